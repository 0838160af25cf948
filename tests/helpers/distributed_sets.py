"""Every data set as distributed, tiny: enough people to learn a few of them, and some to measure."""

from tests.helpers import deep3dpose_files, humaneva_files, kth_files, lsp_mpii_coco_files, mpi_inf_3dhp_files
from tests.helpers.human36m_files import CAMERA, write_set
from tests.helpers.rendered_set import small_parts, write_rendered

# Options of train.prepare that go with a set.
OPTIONS = {"human36m": ("--every", 1, "--cameras", CAMERA), "mpi-inf-3dhp": ("--every", 1)}


def _write_human36m(folder, _monkeypatch):
    write_set(folder, {"S1": ["Sitting 1"], "S5": ["Eating"], "S9": ["Sitting 1"]})


def _write_humaneva(folder, monkeypatch):
    humaneva_files.shorten(monkeypatch)
    for subject in ("S1", "S2", "S3"):
        humaneva_files.write_both_parts(folder, subject)


def _write_kth(folder, _monkeypatch):
    kth_files.write_sequence(folder / "player2sequence1" / "Sequence 1", frames=16)


def _write_lsp(folder, monkeypatch):
    monkeypatch.setattr("train.data.readers.lsp._LSP_TEST_FROM", 9)
    lsp_mpii_coco_files.write_lsp(folder, 12)


def _write_lspet(folder, monkeypatch):
    monkeypatch.setattr("train.data.readers.lsp._LSPET_VALIDATION_FROM", 10)
    lsp_mpii_coco_files.write_lspet(folder, 12)


def _write_mpii(folder, _monkeypatch):
    lsp_mpii_coco_files.write_mpii(folder, more=6)
    (folder / "valid_images.txt").write_text("000000001.jpg\n")


def _write_coco(folder, _monkeypatch):
    lsp_mpii_coco_files.write_coco(folder, "abcdefgh", "ij")


def _write_3dhp(folder, _monkeypatch):
    mpi_inf_3dhp_files.write_train(folder)
    mpi_inf_3dhp_files.write_test(folder)


def _write_deep3dpose(folder, monkeypatch):
    monkeypatch.setattr("train.data.readers.deep3dpose._EVERY", 5)
    deep3dpose_files.write_deep3dpose(folder, 10)


def _write_synthetic(folder, monkeypatch):
    small_parts(monkeypatch)
    write_rendered(folder, "validation")


# Each takes a folder, which it makes, and pytest's monkeypatch.
WRITERS = {
    "human36m": _write_human36m,
    "humaneva": _write_humaneva,
    "kth": _write_kth,
    "lsp": _write_lsp,
    "lspet": _write_lspet,
    "mpii": _write_mpii,
    "coco": _write_coco,
    "mpi-inf-3dhp": _write_3dhp,
    "deep3dpose": _write_deep3dpose,
    "synthetic": _write_synthetic,  # of the validation
}
