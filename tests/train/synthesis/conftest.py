"""The packs of bodies and of postures, and what draws them."""

import pytest

from train.synthesis.body import load_body
from train.synthesis.motion.poses import PoseLibrary
from train.synthesis.renderer import Renderer


@pytest.fixture(scope="session")
def pack():
    return load_body()


@pytest.fixture(scope="session")
def library():
    return PoseLibrary()


@pytest.fixture(scope="module")  # another one in the process takes its context away
def renderer():
    """For pictures of 128 pixels."""
    with Renderer(128) as made:
        yield made
