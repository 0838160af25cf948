"""Windows that show nobody, cut beside the people of training photos."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fusion_model.estimator import PoseEstimator
from tests.train.in_process import call
from tests.train.made_up import where, write_pack
from train import backgrounds
from train.data.windows import beside_person


def overlap(window, box):
    low, high = np.maximum(window[:2], box[:2]), np.minimum(window[2:], box[2:])
    return np.clip(high - low, 0, None).prod()


def test_the_largest_part_beside_a_person():
    assert beside_person((0, 0, 200, 100), np.array([100.0, 20.0, 150.0, 100.0]), 40) == (0, 0, 95, 100)
    assert beside_person((0, 0, 200, 100), np.array([20.0, 20.0, 70.0, 100.0]), 40) == (75, 0, 200, 100)
    assert beside_person((0, 10.5, 200, 300), np.array([10.0, 160.0, 190.0, 260.0]), 40) == (0, 11, 200, 149)
    assert beside_person((0, 0, 200, 300), np.array([10.0, 10.0, 190.0, 110.0]), 40) == (0, 121, 200, 300)
    assert beside_person((0, 0, 200, 100), np.array([30.0, 20.0, 170.0, 100.0]), 40) is None


@pytest.mark.parametrize("seed", range(5))
def test_windows_lie_in_the_photo_and_clear_of_the_person(seed):
    generator = np.random.default_rng(seed)
    corners = np.sort(generator.uniform(0, 300, (200, 2, 2)), axis=1).reshape(-1, 4)
    found = [(window, box) for box in corners if (window := beside_person((0, 0, 300, 300), box, 50))]
    assert len(found) > 50
    for window, box in found:
        assert overlap(np.array(window), box) == 0
        assert min(window) >= 0
        assert max(window) <= 300
        assert min(window[2] - window[0], window[3] - window[1]) >= 50


def test_the_command_cuts_training_photos_alone(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    boxes = write_pack(tmp_path / "data", "made", 8, held_out=3)["box"]
    out = tmp_path / "out"
    arguments = ("--data", tmp_path / "data", "--out", out, "--least", 20)
    assert call(backgrounds, *arguments) == 0
    assert "5 windows that show nobody" in capsys.readouterr().out
    assert sorted(path.name for path in out.glob("*.jpg")) == [f"made-{row:06d}.jpg" for row in range(5)]
    for row in range(5):
        assert where(row)[1] == pytest.approx(45 + row)
        x0, y0, x1, y1 = beside_person((0, 0, 130, 140), boxes[row].astype(float), 20)
        window = cv2.imread(str(out / f"made-{row:06d}.jpg"))
        assert window.shape[:2] == (y1 - y0, x1 - x0)
        assert window.max() < 150  # the noise of the photo; the person is drawn brighter

    assert call(backgrounds, *arguments, "--seed", 1) == 1
    assert "was begun with seed 0, not 1" in capsys.readouterr().err
    assert call(backgrounds, *arguments[:2], "--out", tmp_path / "few", "--least", 20, "--count", 2) == 0
    assert len(list((tmp_path / "few").glob("*.jpg"))) == 2
    assert call(backgrounds, *arguments[:2], "--out", tmp_path / "none") == 1
    assert "has room for 100 pixels beside its person that shows nobody: lower --least" in capsys.readouterr().err


def test_an_estimator_sorts_bystanders_out(tmp_path, monkeypatch, capsys):
    (tmp_path / "data").mkdir()
    write_pack(tmp_path / "data", "made", 6, held_out=2)
    PoseEstimator.random().save_pretrained(tmp_path / "checkpoint")
    arguments = ("--data", tmp_path / "data", "--least", 20, "--checkpoint", tmp_path / "checkpoint", "--out")
    monkeypatch.setattr(backgrounds, "BYSTANDER", 1.1)
    assert call(backgrounds, *arguments, tmp_path / "all") == 0
    assert "0 of 4 windows beside people show somebody" in capsys.readouterr().out
    monkeypatch.setattr(backgrounds, "BYSTANDER", -1.0)
    assert call(backgrounds, *arguments, tmp_path / "none") == 1
    assert "4 of 4 windows beside people show somebody" in capsys.readouterr().out
    monkeypatch.setattr(backgrounds, "BYSTANDER", 0.5)
    asked = []

    def scores(_looker, found):
        asked.extend(image.shape[:2] for image, _ in found)
        assert all(window == (0, 0, image.shape[1], image.shape[0]) for image, window in found)
        return iter([0.2, 0.9, 0.4, 0.6])

    monkeypatch.setattr(backgrounds, "person_scores", scores)
    assert call(backgrounds, *arguments, tmp_path / "some") == 0
    kept = sorted(cv2.imread(str(path)).shape[:2] for path in (tmp_path / "some").glob("*.jpg"))
    assert kept == sorted([asked[0], asked[2]])
