"""Rendered pictures and their labels, on a few dozen real renders."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.helpers.earlier import assert_as_before
from train import synthesize
from train.synthesis.dataset import Settings
from train.synthesis.motion.kinds import SUPPORT
from train.synthesis.pictures import PictureMaker

SETTINGS = Settings(count=16, seed=11, size=128, split="train")


@pytest.fixture(scope="module")
def made(renderer):
    """Pictures with what the renderer said of them: [(picture, scene, rendered)]."""
    seen, render = [], renderer.render
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renderer, "render", lambda scene: seen.append((scene, render(scene))) or seen[-1][1])
        maker = PictureMaker(renderer, SETTINGS)
        return [(maker(index), *seen[-1]) for index in range(SETTINGS.count)]


def test_visible_joints_lie_within_the_silhouette(made):
    joints = 0
    for picture, scene, rendered in made:
        for label in picture.people:
            number = next(n for n, one in enumerate(scene.people) if one.dressed.person.subject == label.subject)
            grown = cv2.dilate((rendered.person == number + 1).astype(np.uint8), np.ones((7, 7)))
            for x, y in np.rint(label.joints_2d[label.visible]).astype(int):
                assert grown[y, x]
                joints += 1
    assert joints > 130


def test_the_3d_seen_through_the_intrinsics_is_the_2d(made):
    for picture, _, _ in made:
        for label in picture.people:
            seen = (label.joints_3d + label.pelvis).astype(np.float64) @ picture.intrinsics.T
            np.testing.assert_allclose(seen[:, :2] / seen[:, 2:], label.joints_2d, atol=0.1)
            np.testing.assert_array_equal(label.joints_3d[0], 0)


def test_the_same_number_gives_the_same_picture(renderer, made):
    images = [cv2.resize(picture.image * 1.0, (4, 4), interpolation=cv2.INTER_AREA) for picture, *_ in made]
    assert_as_before("pictures", images, near=0.02)  # drivers differ
    assert_as_before("labels", [replace(picture, image=None) for picture, *_ in made])
    one, other = made[5][0], PictureMaker(renderer, SETTINGS)(5)
    np.testing.assert_array_equal(one.image, other.image)
    assert repr(other.people) == repr(one.people)


def test_the_command_draws_with_its_photos_and_postures(renderer, tmp_path, monkeypatch):
    monkeypatch.setattr("train.synthesis.renderer.Renderer", {SETTINGS.size: renderer}.__getitem__)
    for motions, photos, error in (
        (None, tmp_path, "no photos"),
        (tmp_path / "none.npz", None, r"none\.npz not found"),
    ):
        with pytest.raises(FileNotFoundError, match=error):
            synthesize._maker(SETTINGS, motions, photos)


def test_plain_pictures_show_one_whole_person_on_their_feet_with_nothing_in_front(renderer):
    maker, covered = PictureMaker(renderer, replace(SETTINGS, plain=True, split="validation")), []
    plain = [maker(index).people for index in range(8)]
    assert_as_before("plain labels", plain)
    for (label,) in plain:
        assert SUPPORT[label.kind] == "feet"
        assert ((label.joints_2d > -0.5) & (label.joints_2d < SETTINGS.size - 0.5)).all()
        assert (label.box[2:] - label.box[:2]).max() > 0.5 * SETTINGS.size
        covered.append(1 - (label.box[2:] - label.box[:2]).prod() / np.ptp(label.joints_2d, axis=0).prod())
    assert np.max(covered) < 0  # the silhouette is larger than the joints' box: nothing cuts it
