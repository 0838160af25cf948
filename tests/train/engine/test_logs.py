"""Logs: the table whatever comes, TensorBoard where it is."""

import sys

from tests.helpers.csv_files import read_rows
from train.engine.logs import TENSORBOARD_MISSING, Log


def table(folder):
    return read_rows(folder / "log.csv")


def test_new_columns_do_not_shift_the_old_ones_and_steps_that_are_taken_again_are_dropped(tmp_path):
    log = Log(tmp_path, "csv", 0)
    log.row({"step": 1, "loss": 3.0, "alpha": 0.1})
    log.row({"step": 2, "loss": 2.0})
    log.row({"step": 3, "score": 9.0, "loss": 1.0})
    rows = [
        {"step": "1", "loss": "3.0", "alpha": "0.1", "score": ""},
        {"step": "2", "loss": "2.0", "alpha": "", "score": ""},
        {"step": "3", "loss": "1.0", "alpha": "", "score": "9.0"},
    ]
    assert table(tmp_path) == rows
    Log(tmp_path, "csv", 2)
    assert table(tmp_path) == rows[:2]


def test_without_tensorboard_the_table_alone_and_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    log = Log(tmp_path, "tensorboard", 0)
    log.row({"step": 1, "loss": 3.0})
    log.close()
    assert capsys.readouterr().out == TENSORBOARD_MISSING + "\n"
    assert not log.shows_pictures
    assert len(table(tmp_path)) == 1
