"""3D body pose from one photo by learning where to fuse 2D and 3D image cues (Tekin et al., ICCV 2017)."""

from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.images import example_photo
from fusion_model.pose import NoPersonError, Pose
from fusion_model.presets import PRESETS

__all__ = ["PRESETS", "FusionNetwork", "NoPersonError", "Pose", "PoseEstimator", "StackedHourglass", "example_photo"]
