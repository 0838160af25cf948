"""The data sets that ``train.prepare`` reads as their authors distribute them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from train.data.readers.coco import plan_coco, plan_coco_scenes
from train.data.readers.deep3dpose import plan_deep3dpose
from train.data.readers.human36m import plan_human36m
from train.data.readers.humaneva import plan_humaneva
from train.data.readers.kth import plan_kth
from train.data.readers.lsp import plan_lsp, plan_lspet
from train.data.readers.mpi_inf_3dhp import plan_mpi_inf_3dhp
from train.data.readers.mpii import plan_mpii
from train.data.readers.records import Plan, ScenePlan
from train.data.readers.rendered import plan_synthetic
from train.data.readers.voc import plan_voc


@dataclass(frozen=True)
class Distributed:
    """A data set that is read as people.

    Attributes:
        plan: of a folder; takes it, names of cameras (empty for the set's usual ones) and every how many frames.
        section: heading in docs/data.md.
        licence_page: where its licence is to be read.
        every: of its videos, every so many frames unless told otherwise; 0 for a set of pictures.
        cameras: whether it has cameras to choose from.
    """

    plan: Callable[[Path, tuple[str, ...], int], Plan]
    section: str
    licence_page: str
    every: int = 0
    cameras: bool = False


@dataclass(frozen=True)
class DistributedScenes:
    """A data set that is read as whole photos.

    Attributes:
        plan: of a folder.
        section: heading in docs/data.md.
        pack: the files are called ``scenes_<pack>``.
    """

    plan: Callable[[Path], ScenePlan]
    section: str
    pack: str


def _pictures(plan: Callable[[Path], Plan]) -> Callable[[Path, tuple[str, ...], int], Plan]:
    """The plan of a set without cameras to choose from."""
    return lambda source, _cameras, _every: plan(source)


_SAM_JOHNSON = "http://sam.johnson.io/research"

DISTRIBUTED = {
    "lsp": Distributed(_pictures(plan_lsp), "LSP", f"{_SAM_JOHNSON}/lsp.html"),
    "lspet": Distributed(_pictures(plan_lspet), "LSP-extended", f"{_SAM_JOHNSON}/lspet.html"),
    "mpii": Distributed(_pictures(plan_mpii), "MPII", "http://human-pose.mpi-inf.mpg.de"),
    "coco": Distributed(_pictures(plan_coco), "COCO", "https://cocodataset.org/#termsofuse"),
    "human36m": Distributed(plan_human36m, "Human3.6M", "http://vision.imar.ro/human3.6m/eula.php", 5, cameras=True),
    "humaneva": Distributed(plan_humaneva, "HumanEva-I", "http://humaneva.is.tue.mpg.de", 1, cameras=True),
    "kth": Distributed(
        plan_kth, "KTH Multiview Football II", "https://www.csc.kth.se/cvap/cvg/MultiViewFootballData/", 1, cameras=True
    ),
    "mpi-inf-3dhp": Distributed(
        plan_mpi_inf_3dhp, "MPI-INF-3DHP", "https://vcai.mpi-inf.mpg.de/3dhp-dataset/", 5, cameras=True
    ),
    "deep3dpose": Distributed(_pictures(plan_deep3dpose), "Deep3DPose", "http://irc.cs.sdu.edu.cn/Deep3DPose/"),
    "synthetic": Distributed(_pictures(plan_synthetic), "Rendered people", "docs/data.md"),
}

DISTRIBUTED_SCENES = {
    "voc": DistributedScenes(plan_voc, "PASCAL VOC", "voc"),
    "coco-scenes": DistributedScenes(plan_coco_scenes, "COCO", "coco"),
}
