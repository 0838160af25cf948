"""The packs of bodies and of postures."""

import pytest

from train.synthesis.body import load_body
from train.synthesis.motion.poses import PoseLibrary


@pytest.fixture(scope="session")
def pack():
    return load_body()


@pytest.fixture(scope="session")
def library():
    return PoseLibrary()
