"""A walk through a clip, and what is estimated of it."""

import pytest

from demo.video.pipeline import motion_steps
from tests.helpers.clips import SquareEstimator, black, picture, write_clip
from tests.helpers.steps import finished


@pytest.fixture
def squares():
    return SquareEstimator()


@pytest.fixture
def walk(tmp_path):
    """Twenty frames: a square wanders to the right, and is away in frames 8 to 11."""
    pictures = [black() if 8 <= number < 12 else picture(100 + 8 * number) for number in range(20)]
    return write_clip(tmp_path / "walk.mp4", pictures)


@pytest.fixture
def walked(squares, walk):
    """The motion in that clip."""
    return finished(motion_steps(squares, walk))
