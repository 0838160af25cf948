"""PoseEstimator: a photo in, the 2D joint confidence maps and the 3D pose out."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fusion_model.config import PRESETS, ModelConfig
from fusion_model.crop_inference import Look, Looker
from fusion_model.crops import check_box, crop_of_box
from fusion_model.detection.detector import PersonDetector
from fusion_model.detection.search import Search
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.hub.checkpoints import build_networks, load_checkpoint, save_checkpoint
from fusion_model.hub.push import push_folder
from fusion_model.images import load_photo
from fusion_model.pose import NoPersonError, Pose
from fusion_model.projection import joint_status, to_photo_joints
from fusion_model.skeletons import SKELETONS

Photo = np.ndarray | Image.Image | str | Path

CONVENTIONAL_HEIGHT_MM = 1700.0
_BOX_TRUST = 0.5  # a box says that somebody is there: this fraction of the person threshold is enough


@dataclass(frozen=True)
class FusionSummary:
    """What the fusion network has learnt about where to merge.

    Attributes:
        strategy: of :data:`fusion_model.config.STRATEGIES`.
        alpha: slope of Eq. 3, None for strategies without.
        beta: merging layer of Eq. 3, None for strategies without.
        weights: (L,) w_1..w_L.
        pruned: whether the dead layers are gone.
        merge_after: data layers kept by pruning, None if not pruned.
    """

    strategy: str
    alpha: float | None
    beta: float | None
    weights: np.ndarray
    pruned: bool
    merge_after: int | None


class PoseEstimator:
    """Finds people in photos and estimates their poses.

    Args:
        config: sizes and calibration of both networks.
        hourglass: the network that makes the confidence maps; looked through by a copy, so later changes are not seen.
        fusion: the network that regresses the 3D joints.
        name: what the model is called in results.
        detector: the network that points at people, which ``config.detector`` describes; None finds them in the
            confidence maps of the whole photo.

    Raises:
        ValueError: if there is a detector but no ``config.detector``, or the other way round.
    """

    def __init__(
        self,
        config: ModelConfig,
        hourglass: StackedHourglass,
        fusion: FusionNetwork,
        name: str = "unnamed",
        detector: PersonDetector | None = None,
    ) -> None:
        if (detector is None) != (config.detector is None):
            raise ValueError("an estimator needs both a detector and config.detector, or neither; got only one of them")
        self.config, self.name = config, name
        self.detector = None if detector is None else detector.eval().to(memory_format=torch.channels_last)
        self.hourglass = hourglass.eval().to(memory_format=torch.channels_last)
        self.fusion_network = fusion.eval()
        self.looker = Looker(config, self.hourglass, self.fusion_network)
        self.search = Search(config, self.looker, self.detector)

    @classmethod
    def from_pretrained(cls, source: str | Path, device: str | torch.device | None = None) -> PoseEstimator:
        """Load a checkpoint, strictly.

        Args:
            source: a folder, or a Hub id ``user/name`` or ``user/name@revision``.
            device: where to run; None means CUDA if there is one, else the CPU.

        Raises:
            FileNotFoundError: if there is no such checkpoint.
            ValueError: if a file or tensor is missing, damaged or does not fit; names it.
        """
        config, state = load_checkpoint(source)
        networks = build_networks(config)
        networks.load_state_dict(state)
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        networks.to(device)
        name = Path(source).name if Path(source).is_dir() else str(source)
        return cls(config, name=name, **networks)

    @classmethod
    def random(cls, preset: str = "tiny", seed: int = 0) -> PoseEstimator:
        """An untrained estimator, for tests and for trying the interface."""
        config = PRESETS[preset]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cls(config, StackedHourglass(config.hourglass), FusionNetwork(config.fusion), f"random-{preset}")

    def save_pretrained(self, folder: str | Path, card: str = "", metrics: dict[str, object] | None = None) -> None:
        """Write ``config.json``, ``model.safetensors`` (float16) and ``README.md``, all or nothing."""
        tensors = {f"hourglass.{name}": tensor for name, tensor in self.hourglass.state_dict().items()}
        tensors |= {f"fusion.{name}": tensor for name, tensor in self.fusion_network.state_dict().items()}
        if self.detector is not None:
            tensors |= {f"detector.{name}": tensor for name, tensor in self.detector.state_dict().items()}
        save_checkpoint(Path(folder), self.config, tensors, card or f"# {self.name}\n", metrics=metrics)

    def push_to_hub(self, repo_id: str, *, card: str = "", private: bool = False, tag: str | None = None) -> str:
        """Upload to the Hub as ``"user/name"``, creating the repository if need be; returns the address.

        ``python -m train.publish`` does the same for a checkpoint on disk, with its figures and a full card. Arguments
        and errors are those of :func:`fusion_model.hub.push.push_folder`.
        """
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = Path(folder) / "checkpoint"
            self.save_pretrained(checkpoint, card=card)
            return push_folder(checkpoint, repo_id, private=private, tag=tag).url

    @property
    def least_score(self) -> float:
        """The score from which a pose is to be trusted; the detector's word counts in the scores of those it found."""
        person, detector = self.config.calibration.person, self.config.detector
        return person if detector is None else min(person, detector.sure)

    @property
    def fusion(self) -> FusionSummary:
        """What the fusion network has learnt about where to merge."""
        network, config = self.fusion_network, self.config.fusion
        return FusionSummary(
            strategy=config.strategy,
            alpha=None if network.alpha is None else network.alpha.item(),
            beta=None if network.beta is None else network.beta.item(),
            weights=network.mixing_weights().detach().float().cpu().numpy(),
            pruned=config.merge_after is not None,
            merge_after=config.merge_after,
        )

    def find_people(self, photo: Photo) -> tuple[np.ndarray, np.ndarray]:
        """Find the people in a photo.

        Returns:
            boxes (M, 4) float32 x0, y0, x1, y1 in pixels, tight round the body as far as it is seen (without a
            detector: round the joints), and scores (M,) float32, best first; empty if nobody is there.
        """
        looks = self.search.predict_all(load_photo(photo))
        return self._boxes(looks), np.array([look.score for look in looks], np.float32)

    def everybody(
        self, photo: Photo, *, height_mm: float = CONVENTIONAL_HEIGHT_MM, average: bool = True
    ) -> tuple[np.ndarray, list[Pose]]:
        """Find the people in a photo and estimate their poses, at the price of finding them once.

        Args:
            photo: (H, W, 3) uint8 RGB array, PIL image, or path.
            height_mm: everybody's height; one photo does not tell it.
            average: as of a plain call.

        Returns:
            boxes (M, 4) float32 as of :meth:`find_people`, and M poses, best first; the first is that of a plain call.

        Raises:
            ValueError: if photo or height are unusable; says why.
        """
        _check_height(height_mm)
        began = time.perf_counter()
        array = load_photo(photo)
        looks = self.search.predict_all(array)
        poses = self._finished([array] * len(looks), looks, began, height_mm=height_mm, average=average)
        return self._boxes(looks), [pose for pose in poses if pose is not None]

    def __call__(
        self,
        photo: Photo,
        box: Sequence[float] | np.ndarray | None = None,
        *,
        height_mm: float = CONVENTIONAL_HEIGHT_MM,
        average: bool = True,
    ) -> Pose:
        """Estimate one person's pose.

        Args:
            photo: (H, W, 3) uint8 RGB array, PIL image, or path.
            box: x0, y0, x1, y1 in pixels, tight round the person as far as seen; None finds the best person.
            height_mm: the person's height; one photo does not tell it, so the size is 1.70 m by convention.
            average: average over mirror images: more accurate, but slower.

        Raises:
            NoPersonError: if nobody is found, in the photo or in the box.
            ValueError: if photo, box or height are unusable; says why.
        """
        array = load_photo(photo)
        pose = self._estimate([array], [box], height_mm=height_mm, average=average)[0]
        if pose is None:
            where = "in the photo" if box is None else "in the box"
            msg = f"nobody was found {where}: try a photo that shows a person larger, or give another box"
            raise NoPersonError(msg)
        return pose

    def batch(
        self,
        photos: Sequence[Photo],
        boxes: Sequence[Sequence[float] | None] | None = None,
        *,
        height_mm: float = CONVENTIONAL_HEIGHT_MM,
        average: bool = True,
    ) -> list[Pose | None]:
        """The same for many photos, batched through the networks; None where nobody was found."""
        boxes = [None] * len(photos) if boxes is None else boxes
        if len(boxes) != len(photos):
            msg = f"boxes must be as many as photos, got {len(boxes)} for {len(photos)} photos"
            raise ValueError(msg)
        return self._estimate([load_photo(photo) for photo in photos], boxes, height_mm=height_mm, average=average)

    def _estimate(
        self, photos: list[np.ndarray], boxes: Sequence[Sequence[float] | None], *, height_mm: float, average: bool
    ) -> list[Pose | None]:
        """Look at every photo, then regress all poses at once."""
        _check_height(height_mm)
        began = time.perf_counter()
        looks = [
            self._best_look(photo) if box is None else self._look_in_box(photo, box)
            for photo, box in zip(photos, boxes, strict=True)
        ]
        return self._finished(photos, looks, began, height_mm=height_mm, average=average)

    def _finished(
        self, photos: list[np.ndarray], looks: list[Look | None], began: float, *, height_mm: float, average: bool
    ) -> list[Pose | None]:
        """The poses of all looks, regressed at once; None stays None."""
        found = [number for number, look in enumerate(looks) if look is not None]
        people = [looks[number] for number in found]
        if average:
            people = self.looker.average(people)
        seen = time.perf_counter()
        poses_3d = self.looker.poses(people, flip=average) if found else []
        seconds = {"looking": seen - began, "fusion": time.perf_counter() - seen}
        poses: list[Pose | None] = [None] * len(photos)
        for number, look, joints_3d in zip(found, people, poses_3d, strict=True):
            poses[number] = self._pose(photos[number], look, joints_3d, height_mm, seconds)
        return poses

    def _pose(
        self, photo: np.ndarray, look: Look, joints_3d: np.ndarray, height_mm: float, seconds: dict[str, float]
    ) -> Pose:
        """Put one person's result together."""
        skeleton = SKELETONS[self.config.fusion.skeleton]
        joints_2d, confidence, derived = to_photo_joints(look.points, look.confidence, skeleton)
        seen = self.config.calibration.seen
        joints_2d, status = joint_status(joints_2d, joints_3d, confidence, photo.shape[:2], seen)
        middle, half = np.asarray(look.crop.center), look.crop.side / 2
        return Pose(
            joints_3d=(joints_3d * (height_mm / CONVENTIONAL_HEIGHT_MM)).astype(np.float32),
            joints_2d=joints_2d.astype(np.float32),
            confidence=np.where(np.array(status) == "outside", 0.0, confidence).astype(np.float32),
            status=status,
            heatmaps=look.maps.numpy(),
            box=np.concatenate((middle - half, middle + half)).astype(np.float32),
            angle=look.crop.angle,
            score=look.score,
            skeleton=skeleton.name,
            height_mm=float(height_mm),
            derived=derived,
            seconds=seconds,
            model=self.name,
        )

    def _boxes(self, looks: list[Look]) -> np.ndarray:
        """Tight boxes (M, 4) float32 of people found."""
        return np.array([self.search.box_of(look) for look in looks], np.float32).reshape(-1, 4)

    def _best_look(self, photo: np.ndarray) -> Look | None:
        """The best person of the whole photo, or None."""
        looks = self.search.predict_all(photo)
        return looks[0] if looks else None

    def _look_in_box(self, photo: np.ndarray, box: Sequence[float]) -> Look | None:
        """Look into a box, and again with the crop turned where the body is; the surer look counts."""
        height, width = photo.shape[:2]
        tight, size = check_box(box, width, height), self.config.hourglass.input_size
        margin = self.config.crop.margin
        look = self.looker.look([photo], [crop_of_box(tight, size, margin)])[0]
        angle = look.angle()
        if angle:
            turned = self.looker.look([photo], [crop_of_box(tight, size, margin, angle)])[0]
            look = max(look, turned, key=lambda one: one.score)
        return look if look.score >= _BOX_TRUST * self.config.calibration.person else None


def _check_height(height_mm: float) -> None:
    """Refuse what is no person's height."""
    if not (np.isfinite(height_mm) and 100 <= height_mm <= 3000):
        msg = f"height_mm must be a person's height in millimetres (100 to 3000), got {height_mm}"
        raise ValueError(msg)
