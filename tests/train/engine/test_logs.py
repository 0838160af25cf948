"""Logs: the table whatever comes, TensorBoard where it is, one sentence where trackio is not."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tests.helpers.csv_files import read_rows
from train.engine.logs import TENSORBOARD_MISSING, Log, check_log


def table(folder):
    return read_rows(folder / "log.csv")


def test_new_columns_do_not_shift_the_old_ones(tmp_path):
    log = Log(tmp_path, "csv", 0, {})
    log.row({"step": 1, "loss": 3.0, "alpha": 0.1})
    log.row({"step": 2, "loss": 2.0})
    log.row({"step": 3, "score": 9.0, "loss": 1.0})
    assert table(tmp_path) == [
        {"step": "1", "loss": "3.0", "alpha": "0.1", "score": ""},
        {"step": "2", "loss": "2.0", "alpha": "", "score": ""},
        {"step": "3", "loss": "1.0", "alpha": "", "score": "9.0"},
    ]
    assert not list(tmp_path.glob("*.part"))


def test_rows_of_steps_that_are_taken_again_are_dropped(tmp_path):
    log = Log(tmp_path, "csv", 0, {})
    for step in (2, 4, 6):
        log.row({"step": step, "loss": 0.0})
    assert [row["step"] for row in table(tmp_path)] == ["2", "4", "6"]
    Log(tmp_path, "csv", 4, {})
    assert [row["step"] for row in table(tmp_path)] == ["2", "4"]


def test_without_tensorboard_the_table_alone_and_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    log = Log(tmp_path, "tensorboard", 0, {})
    log.row({"step": 1, "loss": 3.0})
    log.close()
    assert capsys.readouterr().out == TENSORBOARD_MISSING + "\n"
    assert not log.shows_pictures
    assert len(table(tmp_path)) == 1


def test_tensorboard_gets_figures_and_pictures(tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is in requirements-train.txt")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = Log(tmp_path, "tensorboard", 0, {})
    log.row({"step": 5, "loss": 3.0})
    log.pictures(5, {"maps": np.zeros((8, 12, 3), np.uint8)})
    log.close()
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(5, 3.0)]
    (picture,) = events.Images("maps")
    assert (picture.step, picture.width, picture.height) == (5, 12, 8)


def test_trackio_gets_the_run_and_every_figure(tmp_path, monkeypatch):
    """With a stand-in that takes what trackio 0.43 takes."""
    calls = []

    class Run:
        def log(self, metrics, step=None):
            calls.append((step, metrics))

        def finish(self):
            calls.append("finished")

    def init(project, name=None, *, config=None, resume="never"):
        calls.append((project, name, config, resume))
        return Run()

    monkeypatch.setitem(sys.modules, "trackio", SimpleNamespace(init=init))
    (tmp_path / "mine").mkdir()
    log = Log(tmp_path / "mine", "trackio", 0, {"seed": 3})
    log.row({"step": 5, "loss": 3.0})
    log.scalars(50, {"loss": 2.0})
    log.close()
    assert calls == [
        ("fusion-pose", f"{tmp_path.name}-mine", {"seed": 3}, "allow"),
        (5, {"loss": 3.0}),
        (50, {"loss": 2.0}),
        "finished",
    ]
    assert len(table(tmp_path / "mine")) == 1


def test_trackio_that_is_missing_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(ValueError, match="--log trackio needs the package trackio: pip install trackio"):
        check_log("trackio")
    check_log("tensorboard")
