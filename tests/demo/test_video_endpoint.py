"""The endpoint /estimate_video of the real app, called as a client would."""

import copy
import json
import time

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from demo.service import Service
from demo.video.motion import encode_json
from demo.video.pipeline import motion_steps
from demo.video.smoothing import smooth_motion
from fusion_model.video import clips
from tests.helpers.clips import finished
from tests.helpers.serving import served


@pytest.fixture(scope="module")
def client(counting):
    with served(counting) as url:
        yield Client(url, verbose=False)


def ask(client, *arguments, **named):
    return client.predict(*arguments, **named, api_name="/estimate_video")


def test_the_answer_equals_one_in_python_and_every_parameter_counts(client, clip, stand_in):
    wanted = json.loads(json.dumps(smooth_motion(finished(motion_steps(stand_in, clip))).to_dict()))
    assert ask(client, handle_file(clip)) == wanted
    answer = ask(client, video=handle_file(clip), box=[1, 2, 90, 110], smoothing=False, height_mm=1900, most_poses=4)
    assert (answer["smoothed"], answer["step"], len(answer["frames"])) == (False, 3, 4)
    assert answer["frames"][0]["pose"]["height_mm"] == 1900


def test_what_is_no_usable_clip_is_a_sentence(client, make_clip, notes, monkeypatch, tmp_path):
    def refused(path):
        with pytest.raises(AppError) as error:
            ask(client, handle_file(path))
        assert "\n" not in str(error.value)
        return str(error.value)

    cut = tmp_path / "cut.mp4"
    cut.write_bytes(make_clip().read_bytes()[:40])
    assert "notes.jpg is not a clip" in refused(notes)
    assert "nobody was found in the clip" in refused(make_clip(black=range(10)))
    assert "cut.mp4" in refused(cut)
    monkeypatch.setattr(clips, "MAX_SECONDS", 0.2)
    assert "walk.mp4 lasts 1.2 seconds: at most 0.2" in refused(make_clip(frames=30))


def test_cancelling_stops_the_work_on_the_server(client, counting, make_clip, monkeypatch):
    monkeypatch.setattr(counting, "pause", 0.05)
    job = client.submit(handle_file(make_clip(frames=200)), api_name="/estimate_video")
    start = counting.calls
    while counting.calls < start + 5:
        time.sleep(0.05)
    assert job.cancel()
    time.sleep(0.5)
    stopped = counting.calls
    time.sleep(0.5)
    assert counting.calls == stopped < start + 100


def test_on_zero_gpu_frames_come_in_pieces_as_if_each_went_to_another_process(stand_in, clip, monkeypatch):
    monkeypatch.setattr("demo.service.on_zero_gpu", lambda: True)
    monkeypatch.setattr("demo.service.PIECE_PIXELS", 4 * 160 * 120 + 5)
    service, steps = Service(stand_in), []
    run = service._run_tracker
    monkeypatch.setattr(service, "_run_tracker", lambda frames, track: run(frames, copy.deepcopy(track)))
    pieces = finished(service.motion_steps(str(clip), None, 1700.0), steps)
    assert encode_json(pieces) == encode_json(finished(motion_steps(stand_in, clip)))
    assert steps == [(0.4, "frame 4 of 10"), (0.8, "frame 8 of 10"), (1.0, "frame 10 of 10")]
