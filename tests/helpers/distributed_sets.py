"""Every data set as distributed, tiny: enough people to learn a few of them, and some to measure."""

from tests.helpers import deep3dpose_files, humaneva_files, kth_files, lsp_mpii_coco_files, mpi_inf_3dhp_files
from tests.helpers.human36m_files import CAMERA, write_set
from tests.helpers.rendered_set import small_parts, write_rendered

# Options of train.prepare that go with a set.
OPTIONS = {"human36m": ("--every", 1, "--cameras", CAMERA), "mpi-inf-3dhp": ("--every", 1)}


def shrink(monkeypatch):
    """So few people are of every part of a set."""
    humaneva_files.shorten(monkeypatch)
    small_parts(monkeypatch)
    for name, value in {"lsp._LSP_TEST_FROM": 9, "lsp._LSPET_VALIDATION_FROM": 10, "deep3dpose._EVERY": 5}.items():
        monkeypatch.setattr(f"train.data.readers.{name}", value)


def _write_humaneva(folder):
    for subject in ("S1", "S2", "S3"):
        humaneva_files.write_both_parts(folder, subject)


def _write_mpii(folder):
    lsp_mpii_coco_files.write_mpii(folder, more=6)
    (folder / "valid_images.txt").write_text("000000001.jpg\n")


def _write_3dhp(folder):
    mpi_inf_3dhp_files.write_train(folder)
    mpi_inf_3dhp_files.write_test(folder)


# Each takes a folder, which it makes, where a test has called :func:`shrink`.
WRITERS = {
    "human36m": lambda folder: write_set(folder, {"S1": ["Sitting 1"], "S5": ["Eating"], "S9": ["Sitting 1"]}),
    "humaneva": _write_humaneva,
    "kth": lambda folder: kth_files.write_sequence(folder / "player2sequence1" / "Sequence 1", frames=16),
    "lsp": lambda folder: lsp_mpii_coco_files.write_lsp(folder, 12),
    "lspet": lambda folder: lsp_mpii_coco_files.write_lspet(folder, 12),
    "mpii": _write_mpii,
    "coco": lambda folder: lsp_mpii_coco_files.write_coco(folder, "abcdefgh", "ij"),
    "mpi-inf-3dhp": _write_3dhp,
    "deep3dpose": lambda folder: deep3dpose_files.write_deep3dpose(folder, 10),
    "synthetic": lambda folder: write_rendered(folder, "validation"),
}
