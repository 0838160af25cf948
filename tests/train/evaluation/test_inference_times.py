"""How long a photo takes: what is measured and printed, and a neighbour that is busy and never outlives its use."""

import dataclasses
import multiprocessing
import os
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusion_model.config import DetectorConfig
from fusion_model.detection.network import PersonDetector
from fusion_model.estimator import PoseEstimator
from tests.helpers.estimators import smooth_photo, sure
from tests.helpers.own_process import ENVIRONMENT, ROOT, wait_for
from train.evaluation import inference_times
from train.evaluation.inference_times import CHOSEN, Setting, Times, bare_networks, busy_neighbour, lines, photos_of_one


def cpu_seconds(process):
    """What a process has computed so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_alive(pid):
    path = Path(f"/proc/{pid}/stat")
    try:
        return path.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_neighbour_is_busy_at_low_priority_until_the_block_ends():
    with busy_neighbour() as process:
        assert os.getpriority(os.PRIO_PROCESS, process.pid) > os.getpriority(os.PRIO_PROCESS, 0)
        before = cpu_seconds(process)
        wait_for(lambda: cpu_seconds(process) > before + 0.1)
    assert not is_alive(process.pid)


def test_a_failure_ends_the_neighbour():
    with pytest.raises(ZeroDivisionError), busy_neighbour() as process:
        1 / (process.pid - process.pid)
    assert not is_alive(process.pid)


def test_the_neighbour_ends_with_a_process_that_is_killed():
    code = (
        "import os\n"
        "from train.evaluation.inference_times import busy_neighbour\n"
        "with busy_neighbour() as process:\n"
        "    print(process.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -9
    wait_for(lambda: not is_alive(int(done.stdout)))


def test_the_lines_are_medians_and_their_ratios():
    idle, beside = Times([0.1, 0.2, 0.9], [0.1, 0.1, 0.1]), Times([0.3, 0.3, 0.3], [0.2, 0.2, 0.3])
    alone = {CHOSEN: idle, "another": Times([0.16] * 3, [0.1] * 3)}
    rows = [line.split() for line in lines(alone, beside)]
    assert rows[0][:6] == ["seconds", "a", "photo,", "median", "of", "3"]
    assert [row[-3:] for row in rows[1:3]] == [["0.200", "0.300", "1.50"], ["0.100", "0.200", "2.00"]]
    assert rows[3][-2:] == ["2.00", "1.50"]
    assert [row[-2:] for row in rows[6:]] == [["0.200", "1.25"], ["0.160", "1.00"]]


@pytest.fixture
def estimator():
    plain = sure()
    config = dataclasses.replace(plain.config, detector=DetectorConfig(width=8, head=8, input_size=64))
    return PoseEstimator(config, plain.hourglass, plain.fusion_network, detector=PersonDetector(config.detector))


def test_the_bare_networks_run_once_for_one_person(estimator, monkeypatch):
    shapes = []
    front = estimator.predictor.hourglass.front
    front.register_forward_hook(lambda _layers, inputs, _features: shapes.append(inputs[0].shape))
    estimator.fusion_network.register_forward_hook(lambda _network, inputs, _pose: shapes.append(inputs[0].shape))
    plain = PersonDetector.forward
    monkeypatch.setattr(
        PersonDetector, "forward", lambda self, images: shapes.append(images.shape) or plain(self, images)
    )
    bare_networks(estimator)()
    size, side = estimator.config.hourglass.input_size, estimator.config.fusion.input_size
    assert shapes == [(1, 3, 64, 64), (2, 3, size, size), (2, 3, side, side)]


def test_photos_with_more_or_fewer_people_are_passed_over(tmp_path):
    class Finder:
        """Finds as many people as the photo has rows beyond 20."""

        def find_people(self, photo):
            """As the estimator."""
            return np.zeros((len(photo) - 20, 4)), np.zeros(len(photo) - 20)

    (tmp_path / "empty").mkdir()
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    for name, height, value in (("b", 21, 10), ("a", 21, 20), ("c", 22, 0), ("deep/d", 21, 30), ("e", 20, 0)):
        picture = np.full((height, 24, 3), value, np.uint8)
        Image.fromarray(picture).save(tmp_path / "photos" / f"{name}.png")
    (tmp_path / "photos" / "README.md").write_text("no photo")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in (tmp_path / "photos").rglob("*.*"):
            archive.write(path, path.relative_to(tmp_path))
    for place in (tmp_path / "photos", tmp_path / "photos.zip"):
        assert [photo[0, 0, 0] for photo in photos_of_one(Finder(), place, 16)] == [20, 10, 30]
        assert [photo[0, 0, 0] for photo in photos_of_one(Finder(), place, 2)] == [20, 10]
    with pytest.raises(ValueError, match="no photo in which the model finds exactly one person"):
        photos_of_one(Finder(), tmp_path / "empty", 16)


@pytest.mark.parametrize("by_layers", [False, True])
def test_a_setting_decides_who_shares_the_work(monkeypatch, estimator, by_layers):
    class Connection:
        """Asks for one round."""

        asked, answers = 0, []

        def recv(self):
            """Nothing, once."""
            self.asked += 1
            if self.asked > 1:
                raise EOFError

        def send(self, times):
            """Keep it."""
            self.answers.append(times)

    monkeypatch.setattr(PoseEstimator, "from_pretrained", lambda _checkpoint: estimator)
    own, connection = estimator.predictor.threads, Connection()
    with pytest.raises(EOFError):
        inference_times._serve(connection, "made", [smooth_photo()] * 2, Setting(by_layers=by_layers))
    assert (estimator.predictor.threads is own) is not by_layers
    (times,) = connection.answers
    assert len(times.end_to_end) == len(times.bare) == 2
    assert min(times.end_to_end + times.bare) > 0


def test_the_command_prints_all_rows_and_leaves_no_process(tmp_path, monkeypatch, printed):
    sure().save_pretrained(tmp_path / "model")
    (tmp_path / "photos").mkdir()
    Image.fromarray(smooth_photo()).save(tmp_path / "photos" / "clouds.png")
    monkeypatch.setattr(PoseEstimator, "find_people", lambda _self, _photo: (np.zeros((1, 4)), np.ones(1)))
    settings = {CHOSEN: Setting(by_layers=False), "other": Setting({"GOMP_SPINCOUNT": "7"})}
    monkeypatch.setattr(inference_times, "SETTINGS", settings)
    environments, neighbours, before = [], [], dict(os.environ)

    @contextmanager
    def watched():
        environments.extend(Path(f"/proc/{one.pid}/environ").read_bytes() for one in multiprocessing.active_children())
        with busy_neighbour() as process:
            neighbours.append(process.pid)
            yield process

    monkeypatch.setattr(inference_times, "busy_neighbour", watched)
    options = ("--checkpoint", tmp_path / "model", "--photos", tmp_path / "photos", "--rounds", 2)
    rows = [line.split() for line in printed("benchmark", "--inference", *options).splitlines() if line]
    assert [row[0] for row in rows] == ["seconds", "end", "bare", "end", "end", "halves", "other"]
    assert rows[0][5] == "2"
    assert sum(b"GOMP_SPINCOUNT=7" in one for one in environments) == len(environments) / 2 == 2
    assert dict(os.environ) == before
    assert len(neighbours) == 2
    assert not any(map(is_alive, neighbours))
    assert multiprocessing.active_children() == []


def test_training_without_data_is_bad_usage(ends):
    status, _, error = ends("benchmark", "--training")
    assert status == 2
    assert error.endswith("--training needs --data")
