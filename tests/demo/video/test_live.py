"""One person before a camera: frames as a browser sends them, and who is followed through them."""

import base64
import json
from types import SimpleNamespace

import cv2
import gradio as gr
import numpy as np
import pytest

from demo.live_tab import LiveTab
from demo.service import Service
from demo.video.live import MAX_BYTES, decode_frame, follow
from tests.helpers.clips import SquareEstimator, black, middle, picture


def sent(frame, kind="jpg", more=b""):
    _, data = cv2.imencode(f".{kind}", frame[:, :, ::-1])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes() + more).decode()


def run(estimator, frames):
    live, every = None, []
    for number, frame in enumerate(frames):
        live = follow(estimator, frame, 100 + 0.1 * number, live)
        every.append(live)
    return every


def test_a_frame_is_read_as_it_was_sent():
    frame = np.zeros((40, 60, 3), np.uint8)
    frame[:, :30] = (200, 40, 40)
    read = decode_frame(sent(frame))
    assert read.shape == frame.shape
    assert np.abs(read.astype(int) - frame)[:, [10, 50]].max() < 20


LONG = bytes(MAX_BYTES * 3 // 4)  # in base64, too long with anything before it
NOISE = sent(np.random.default_rng(0).integers(0, 255, (100, 100, 3)).astype(np.uint8))
NO_FRAMES = {
    "nothing": None, "no base64": "data:image/jpeg;base64,!!", "no picture": "data:image/jpeg;base64,AAAA",
    "a png": sent(black(), "png"), "cut off": NOISE[: len(NOISE) // 8 * 4], "too long": sent(black(), more=LONG),
}  # fmt: skip


@pytest.mark.parametrize("frame", NO_FRAMES.values(), ids=NO_FRAMES)
def test_what_is_no_frame_is_refused_in_a_sentence(frame):
    with pytest.raises(ValueError, match=r"frame .*JPEG|damaged"):
        decode_frame(frame)


def test_the_person_is_followed_with_one_search_and_smoothed():
    estimator, places = SquareEstimator(), range(100, 300, 10)
    every = run(estimator, [picture(x) for x in places])
    assert estimator.searches == 1
    assert [middle(live.recent[-1][1]) for live in every] == pytest.approx(list(places), abs=1)
    assert [seconds for seconds, _ in every[-1].recent] == pytest.approx(100 + 0.1 * np.arange(12, 20))  # no more
    assert every[-1].pose.height_mm == 1700
    swaying = run(SquareEstimator(), [picture(200 + 3 * (number % 2)) for number in range(12)])
    assert np.ptp([middle(live.pose) for live in swaying[-4:]]) < 0.75 * 3


def test_a_gap_and_the_first_frame_of_a_camera_begin_anew_and_what_is_no_frame_leaves_what_is_known():
    with gr.Blocks():
        tab = LiveTab(Service(SquareEstimator()))
    kept = None
    for number, frame, known in ((1, picture(), 1), (2, picture(), 2), (3, black(), 0), (1, picture(), 1)):
        answer = tab._answer(kept, SimpleNamespace(number=number, frame=sent(frame)))
        kept = answer[tab.kept]
        assert (len(kept.recent), json.loads(answer[tab.view])["number"]) == (known, number)
    (told,) = tab._answer(kept, SimpleNamespace(number=4, frame="<b>")).values()
    assert json.loads(told)["number"] == 4
    assert "expected a JPEG picture" in told
