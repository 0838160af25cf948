"""What the project knows of a data set by its name: one entry a set, from its reader to its share of a batch.

Nothing here imports a reader: a machine that trains from a pack does without what readers need.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from pkgutil import resolve_name

from train.data.readers.records import Plan
from train.data.source import SYNTHETIC
from train.engine.provenance import SCENES


@dataclass(frozen=True)
class DataSetInfo:
    """A data set. The defaults are those of a set that has no entry.

    Attributes:
        title: what people call it; with its first letter a capital, its heading in docs/data.md.
        labels: where its labels come from.
        licence: where it is to be read, or what it says; ``licence_page`` of the prepared set.
        share: fraction of a batch among the photos, those given add up to 1; None, right for a new set: a hundredth for
            every thousand people.
        reader: of people, ``module:function`` in train.data.readers, for ``train.prepare NAME``.
        scenes: reader of whole photos, likewise; of a set with a reader of people, for ``train.prepare NAME-scenes``.
        every: of its videos, every so many frames unless told otherwise; 0 for a set of pictures.
        cameras: whether it has cameras to choose from; its reader then takes their names and ``every`` besides.
        besides: pattern of what the names of its photos have besides the photo: the part, the number of the person.
        hidden_weight: trust in a hidden joint of the prepared set.
        teacher_score: of a set without hand labels, the score from which a teacher's joint is measured against.
        agreed: whether its joints are those on which teachers agree, the easy ones, and nobody looked for bystanders:
            it is measured in the true box alone, and not calibrated on.
        whole_photos: whether the validation photos that training reads are whole; those of a prepared set are crops.
        everyone_boxed: whether whole photos have a box for everyone, far people too, which proves other boxes false.
        upright: whether people in boxes that are taller than wide stand.
    """

    title: str
    labels: str = "labels of its pack"
    licence: str = ""
    share: float | None = None
    reader: str = ""
    scenes: str = ""
    every: int = 0
    cameras: bool = False
    besides: str = ""
    hidden_weight: float = 1.0
    teacher_score: float | None = None
    agreed: bool = False
    whole_photos: bool = False
    everyone_boxed: bool = False
    upright: bool = False

    @property
    def section(self) -> str:
        """Its heading in docs/data.md."""
        return self.title[0].upper() + self.title[1:]

    def plan(self, source: Path, cameras: Sequence[str] = (), every: int = 1) -> Plan:
        """What the reader finds in a folder: people of these cameras (none: the usual ones), every so many frames."""
        read = resolve_name(f"train.data.readers.{self.reader}")
        return read(source, cameras, every) if self.cameras else read(source)


COMPOSITES = "composites"
"""Name of pictures that are pasted together."""

_BY_HAND, _AND_TEACHER = "2D by hand", "2D by hand, 3D by a teacher network"
_TEACHERS, _MEASURED = "2D and 3D by teacher networks", "2D and 3D measured"
_UNSTATED = "none stated for most photos"

SETS = {
    "lsp": DataSetInfo("LSP", _BY_HAND, "http://sam.johnson.io/research/lsp.html", reader="lsp:plan_lsp"),
    "lspet": DataSetInfo(
        "LSP-extended", _BY_HAND, "http://sam.johnson.io/research/lspet.html", 0.30,
        reader="lsp:plan_lspet", whole_photos=True,
    ),
    "mpii": DataSetInfo(
        "MPII", _AND_TEACHER, "http://human-pose.mpi-inf.mpg.de", 0.14,
        reader="mpii:plan_mpii", besides=r"_\d+$",
    ),
    "coco": DataSetInfo(
        "COCO", _AND_TEACHER, "https://cocodataset.org/#termsofuse", 0.08,
        reader="coco:plan_coco", scenes="coco:plan_coco_scenes",
        besides=r"^(COCO_)?(train|val)20\d\d_|_\d+$", everyone_boxed=True, upright=True,
    ),
    "stanford40": DataSetInfo(
        "Stanford 40 Actions", _TEACHERS, "http://vision.stanford.edu/Datasets/40actions.html", 0.14,
        teacher_score=0.9, upright=True,
    ),
    "street": DataSetInfo(
        "Clothing Co-Parsing (street)", _TEACHERS, "https://github.com/bearpaw/clothing-co-parsing", 0.04,
        teacher_score=0.9,
    ),
    "everyday": DataSetInfo(
        "everyday people of SUN, VOC 2012 and COCO", _TEACHERS, _UNSTATED, 0.18, teacher_score=0.8, agreed=True,
    ),
    "action": DataSetInfo(
        "Yoga-82 and sports photos", _TEACHERS, _UNSTATED, 0.12, teacher_score=0.8, agreed=True,
    ),
    # The place of a joint that something covers is exact, but a guess from the picture.
    SYNTHETIC: DataSetInfo(
        "rendered people", "exact 2D and 3D", "docs/data.md", reader="rendered:plan_synthetic", hidden_weight=0.5,
    ),
    "human36m": DataSetInfo(
        "Human3.6M", _MEASURED, "http://vision.imar.ro/human3.6m/eula.php",
        reader="human36m:plan_human36m", every=5, cameras=True,
    ),
    "humaneva": DataSetInfo(
        "HumanEva-I", _MEASURED, "http://humaneva.is.tue.mpg.de",
        reader="humaneva:plan_humaneva", every=1, cameras=True,
    ),
    "kth": DataSetInfo(
        "KTH Multiview Football II", _MEASURED, "https://www.csc.kth.se/cvap/cvg/MultiViewFootballData/",
        reader="kth:plan_kth", every=1, cameras=True,
    ),
    "mpi-inf-3dhp": DataSetInfo(
        "MPI-INF-3DHP", _MEASURED, "https://vcai.mpi-inf.mpg.de/3dhp-dataset/",
        reader="mpi_inf_3dhp:plan_mpi_inf_3dhp", every=5, cameras=True,
    ),
    "deep3dpose": DataSetInfo(
        "Deep3DPose", "rendered 3D", "http://irc.cs.sdu.edu.cn/Deep3DPose/", reader="deep3dpose:plan_deep3dpose",
    ),
    "voc": DataSetInfo(
        "PASCAL VOC", "boxes by hand", "photos under the terms of Flickr", scenes="voc:plan_voc",
        everyone_boxed=True, upright=True,
    ),
    "pennfudan": DataSetInfo(
        "Penn-Fudan", "boxes by hand and by a detector", "https://www.cis.upenn.edu/~jshi/ped_html/",
        everyone_boxed=True, upright=True,
    ),
    COMPOSITES: DataSetInfo(
        "people pasted together", "boxes of their photos", "that of their photos", everyone_boxed=True
    ),
    SCENES: DataSetInfo(
        "whole photos of VOC 2012, COCO, Penn-Fudan, Stanford 40, MPII, SUN, BSDS500 and rooms", "boxes"
    ),
}  # fmt: skip

DISTRIBUTED = {name: info for name, info in SETS.items() if info.reader}
"""The sets that ``train.prepare`` reads as people, as their authors distribute them."""
DISTRIBUTED_SCENES = {
    f"{name}-scenes" if info.reader else name: replace(info, reader=info.scenes)
    for name, info in SETS.items()
    if info.scenes
}
"""Those that it reads as whole photos."""


def data_set(name: str) -> DataSetInfo:
    """What is known of a set; one that is called after a year, such as voc2012, is the set without it."""
    return SETS.get(name) or SETS.get(re.sub(r"(19|20)\d\d$", "", name)) or DataSetInfo(name)
