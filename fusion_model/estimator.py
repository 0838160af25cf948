"""PoseEstimator: a photo in, the 2D joint confidence maps and the 3D pose out."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from fusion_model.config import ModelConfig
from fusion_model.crop_inference import CropPrediction, CropPredictor
from fusion_model.detection.candidates import Candidate
from fusion_model.detection.network import PersonDetector
from fusion_model.detection.search import Search
from fusion_model.devices import usable_device
from fusion_model.following import CONVENTIONAL_HEIGHT_MM
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass, folded
from fusion_model.hub.checkpoints import build_networks, checkpoint_name, load_checkpoint, save_checkpoint
from fusion_model.hub.push import push_folder
from fusion_model.images import load_photo
from fusion_model.pose import NoPersonError, Pose
from fusion_model.presets import PRESETS
from fusion_model.projection import joint_status, to_photo_joints
from fusion_model.skeletons import SKELETONS

Photo = np.ndarray | Image.Image | str | Path

MIN_HEIGHT_MM, MAX_HEIGHT_MM = 500.0, 2500.0
"""The heights of a person that library, page, endpoints and commands take."""


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
        config: sizes, calibration and thresholds of all networks.
        hourglass: the network that makes the confidence maps. Inference runs copies of it and of the detector: assign
            the attribute anew after changing their weights.
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
        self._networks = {"hourglass": hourglass, "fusion": fusion, "detector": detector}
        self._assemble()

    @classmethod
    def from_pretrained(cls, source: str | Path, device: str | torch.device | None = None) -> PoseEstimator:
        """Load a checkpoint, strictly.

        Args:
            source: a folder, a Hub id ``user/name`` or ``user/name@revision``, or ``"default"``: the bundled model.
            device: where to run; None means CUDA if there is one, else the CPU.

        Raises:
            FileNotFoundError: if there is no such checkpoint.
            ValueError: if a file or tensor is missing, damaged or does not fit, or the device cannot be used; names it.
        """
        place = usable_device(device)
        config, state = load_checkpoint(source)
        networks = build_networks(config)
        networks.load_state_dict(state)
        networks.to(place)
        return cls(config, name=checkpoint_name(source), **networks)

    @classmethod
    def random(cls, preset: str = "tiny", seed: int = 0) -> PoseEstimator:
        """An untrained estimator, for tests and for trying the interface."""
        if preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}")
        config = PRESETS[preset]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cls(config, name=f"random-{preset}", **build_networks(config))

    def with_config(self, config: ModelConfig) -> PoseEstimator:
        """An estimator of the same networks and name with other thresholds, calibration or margin.

        Raises:
            ValueError: if the configuration is that of other networks.
        """
        for part in ("hourglass", "fusion"):
            if getattr(config, part) != getattr(self.config, part):
                raise ValueError(f"with_config changes no network, but {part} differs: {getattr(config, part)}")
        if config.detector and self.config.detector and config.detector.shape != self.config.detector.shape:
            raise ValueError(f"with_config changes no network, but detector differs: {config.detector}")
        return PoseEstimator(config, self.hourglass, self.fusion_network, self.name, self.detector)

    @property
    def hourglass(self) -> StackedHourglass:
        """The network that makes the confidence maps."""
        return self._networks["hourglass"]

    @hourglass.setter
    def hourglass(self, network: StackedHourglass) -> None:
        self._networks["hourglass"] = network
        self._assemble()

    @property
    def fusion_network(self) -> FusionNetwork:
        """The network that regresses the 3D joints."""
        return self._networks["fusion"]

    @fusion_network.setter
    def fusion_network(self, network: FusionNetwork) -> None:
        self._networks["fusion"] = network
        self._assemble()

    @property
    def detector(self) -> PersonDetector | None:
        """The network that points at people, if there is one."""
        return self._networks["detector"]

    def _assemble(self) -> None:
        """Build what runs the networks."""
        for network in filter(None, self._networks.values()):
            network.eval().to(memory_format=torch.channels_last)
        self.predictor = CropPredictor(self.config, self.hourglass, self.fusion_network)
        detector = None if self.detector is None else folded(self.detector)
        self.search = Search(self.config, self.predictor, detector)

    def save_pretrained(self, folder: str | Path, card: str = "", metrics: dict[str, object] | None = None) -> None:
        """Write ``config.json``, ``model.safetensors`` (float16) and ``README.md``, all or nothing."""
        networks = nn.ModuleDict({name: network for name, network in self._networks.items() if network is not None})
        save_checkpoint(Path(folder), self.config, networks.state_dict(), card or f"# {self.name}\n", metrics=metrics)

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
    def trust_score(self) -> float:
        """The score from which a pose is to be trusted."""
        return self.config.search.person

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

    def find_people(self, photo: Photo, *, min_score: float | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Find the people in a photo, without their poses.

        Args:
            photo: (H, W, 3) uint8 RGB array, PIL image, or path.
            min_score: people below it are left out, 0 to 1. None takes the model's own thresholds; a lower score than
                theirs lowers them.

        Returns:
            boxes (M, 4) float32 x0, y0, x1, y1 in pixels, tight round the body as far as it is seen (without a
            detector: the whole photo), and scores (M,) float32, best first; empty if nobody is there.

        Raises:
            ValueError: if the photo or ``min_score`` is unusable; says why.
        """
        if min_score is not None:
            _check_number("min_score", min_score, 0, 1, "a score")
        with self.predictor.threads.limited():
            people = self.search.find([load_photo(photo)], [None], min_score)[0]
        boxes = np.array([one.box for one in people], np.float32).reshape(-1, 4)
        return boxes, np.array([one.score for one in people], np.float32)

    def predict_all(
        self,
        photo: Photo,
        *,
        height_mm: float = CONVENTIONAL_HEIGHT_MM,
        flip_test: bool = True,
        min_score: float | None = None,
    ) -> list[Pose]:
        """Estimate the poses of everyone found in a photo.

        Args:
            photo: (H, W, 3) uint8 RGB array, PIL image, or path.
            height_mm: everyone's height; one photo does not tell it.
            flip_test: as of a plain call.
            min_score: as of :meth:`find_people`.

        Returns:
            Poses, best first; without ``min_score``, the first is that of a plain call. Empty if nobody is there.

        Raises:
            ValueError: if photo, height or ``min_score`` are unusable; says why.
        """
        if min_score is not None:
            _check_number("min_score", min_score, 0, 1, "a score")
        options = {"height_mm": height_mm, "flip_test": flip_test, "min_score": min_score}
        with self.predictor.threads.limited():
            return self._estimate([load_photo(photo)], [None], **options)[0]

    def __call__(
        self,
        photo: Photo,
        box: Sequence[float] | np.ndarray | None = None,
        *,
        height_mm: float = CONVENTIONAL_HEIGHT_MM,
        flip_test: bool = True,
    ) -> Pose:
        """Estimate one person's pose.

        Args:
            photo: (H, W, 3) uint8 RGB array, PIL image, or path.
            box: x0, y0, x1, y1 in pixels, tight round the person as far as seen; None finds the best person.
            height_mm: the person's height; one photo does not tell it, so the size is 1.70 m by convention.
            flip_test: average over mirror images: more accurate, but slower.

        Returns:
            The pose of the person in the box, or of the best person found.

        Raises:
            NoPersonError: if nobody is found, in the photo or in the box.
            ValueError: if photo, box or height are unusable; says why.
        """
        pose = self.batch([photo], [box], height_mm=height_mm, flip_test=flip_test)[0]
        if pose is None:
            if box is None:
                larger = "try one that shows a person larger"
                if self.detector is None:
                    larger = "without a detector (train.attach_detector), one person has to fill it"
                raise NoPersonError(f"nobody was found in the photo: {larger}, or give a box")
            raise NoPersonError("nobody was found in the box: give one that is tight round the whole person")
        return pose

    def batch(
        self,
        photos: Iterable[Photo],
        boxes: Sequence[Sequence[float] | None] | None = None,
        *,
        height_mm: float = CONVENTIONAL_HEIGHT_MM,
        flip_test: bool = True,
    ) -> list[Pose | None]:
        """Estimate one person's pose in each of many photos, batched through the networks.

        Args:
            photos: N arrays (H, W, 3) uint8 RGB, PIL images or paths; an ``ImageSequence.Iterator`` is fine.
            boxes: for each photo a box as of a plain call, or None for the best person; None for all.
            height_mm: as of a plain call.
            flip_test: as of a plain call.

        Returns:
            N poses; None where nobody was found.

        Raises:
            ValueError: if a photo, a box, the number of boxes or the height is unusable; says why.
        """
        arrays = [load_photo(photo) for photo in photos]
        boxes = [None] * len(arrays) if boxes is None else boxes
        if len(boxes) != len(arrays):
            raise ValueError(f"boxes must be as many as photos, got {len(boxes)} for {len(arrays)} photos")
        with self.predictor.threads.limited():
            found = self._estimate(arrays, boxes, height_mm=height_mm, flip_test=flip_test, best_only=True)
        return [poses[0] if poses else None for poses in found]

    def _estimate(
        self,
        photos: list[np.ndarray],
        boxes: Sequence[Sequence[float] | None],
        *,
        height_mm: float,
        flip_test: bool,
        min_score: float | None = None,
        best_only: bool = False,
    ) -> list[list[Pose]]:
        """The one way from photos to poses: find the people of each, then estimate all of them together."""
        _check_number("height_mm", height_mm, MIN_HEIGHT_MM, MAX_HEIGHT_MM, "a person's height in millimetres")
        began = time.perf_counter()
        people = self.search.find(photos, boxes, min_score, flip_test=flip_test, best_only=best_only)
        found = [(number, one) for number, several in enumerate(people) for one in several]
        predictions = [one.prediction for _, one in found]
        seen = time.perf_counter()
        joints_3d, spreads = self.predictor.poses_and_spreads(predictions, flip_test=flip_test)
        spread = [None] * len(found) if spreads is None else spreads
        seconds = {"looking": seen - began, "fusion": time.perf_counter() - seen}
        poses: list[list[Pose]] = [[] for _ in photos]
        for (number, one), prediction, *body in zip(found, predictions, joints_3d, spread, strict=True):
            shape = photos[number].shape[:2]
            poses[number].append(self._pose(shape, one, prediction, *body, height_mm=height_mm, seconds=seconds))
        return poses

    def _pose(
        self,
        shape: tuple[int, int],
        person: Candidate,
        prediction: CropPrediction,
        joints_3d: np.ndarray,
        spread: np.ndarray | None,
        *,
        height_mm: float,
        seconds: dict[str, float],
    ) -> Pose:
        """Put one person's result together."""
        skeleton = SKELETONS[self.config.fusion.skeleton]
        joints_2d, confidence, derived = to_photo_joints(prediction.points, prediction.confidence, skeleton)
        seen = self.config.calibration.seen
        joints_2d, status = joint_status(joints_2d, joints_3d, confidence, shape, seen)
        middle, half = np.asarray(prediction.crop.center), prediction.crop.side / 2
        size = height_mm / CONVENTIONAL_HEIGHT_MM
        return Pose(
            joints_3d=(joints_3d * size).astype(np.float32),
            spread=None if spread is None else (spread * size).astype(np.float32),
            joints_2d=joints_2d.astype(np.float32),
            confidence=np.where(np.array(status) == "outside", 0.0, confidence).astype(np.float32),
            status=status,
            heatmaps=prediction.maps.numpy(),
            box=np.concatenate((middle - half, middle + half)).astype(np.float32),
            person_box=person.box.astype(np.float32),
            angle=prediction.crop.angle,
            score=person.score,
            skeleton=skeleton.name,
            height_mm=float(height_mm),
            derived=derived,
            seconds=seconds,
            model=self.name,
        )


def _check_number(name: str, value: object, low: float, high: float, what: str) -> None:
    """Refuse what is no number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= value <= high:
        raise ValueError(f"{name} must be {what} ({low:g} to {high:g}), got {value}")
