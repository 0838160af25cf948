"""3D body pose from one photo by learning where to fuse 2D and 3D image cues (Tekin et al., ICCV 2017)."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fusion_model.estimator import PoseEstimator
    from fusion_model.fusion import FusionNetwork
    from fusion_model.hourglass import StackedHourglass
    from fusion_model.images import example_photo
    from fusion_model.pose import NoPersonError, Pose
    from fusion_model.presets import PRESETS

__all__ = ["PRESETS", "FusionNetwork", "NoPersonError", "Pose", "PoseEstimator", "StackedHourglass", "example_photo"]
_MODULES = {
    "PRESETS": "presets",
    "FusionNetwork": "fusion",
    "NoPersonError": "pose",
    "Pose": "pose",
    "PoseEstimator": "estimator",
    "StackedHourglass": "hourglass",
    "example_photo": "images",
}


def __getattr__(name: str) -> object:
    """Import what is asked for: whoever draws, prepares or renders need not wait seconds for torch."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
