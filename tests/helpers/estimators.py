"""Estimators and photos for tests of inference."""

import dataclasses

import cv2
import numpy as np

from fusion_model.config import CalibrationConfig
from fusion_model.estimator import PoseEstimator


def smooth_photo():
    """(128, 128, 3) coloured clouds."""
    noise = np.random.default_rng(3).integers(0, 256, (9, 9, 3), np.uint8)
    return cv2.resize(noise, (128, 128), interpolation=cv2.INTER_CUBIC)


def sure(preset="tiny"):
    """A random estimator that takes everything for a person."""
    estimator = PoseEstimator.random(preset)
    calibration = CalibrationConfig(peak=(-1e3, 1e3), confidence=(1.0, 1.0))
    return estimator.with_config(dataclasses.replace(estimator.config, calibration=calibration))
