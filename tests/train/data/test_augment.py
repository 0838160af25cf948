"""Random crops: what is seen, where its joints are said to be, and what the maps say lie in one place."""

import dataclasses

import numpy as np
import pytest
import torch

from fusion_model.crops import crop_of_box
from fusion_model.heatmaps import decode, to_crop_coordinates
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.fake_data import make_people
from train.data.augment import (
    AUGMENT,
    AugmentConfig,
    AugmentedCrops,
    crop_matrices,
    person_squares,
    plain_crops,
    random_crops,
    sample,
    target_maps,
    transform,
    turned_poses,
)

SIZE = 128
NEGATIVE = AugmentConfig(scene=0, cut=0, negative=1)
PERSON = AugmentConfig(scene=0, cut=0, negative=0, any_angle=0.5)
SCENE = AugmentConfig(scene=1, cut=0, negative=0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def bright_spot(image):
    """Middle (x, y) of what is clearly brighter than the background of a (3, S, S) image."""
    weight = (image.mean(0) - 0.3).clamp_min(0).double().numpy()
    y, x = np.indices(weight.shape)
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def within(points, margin=0.0):
    """Which points (..., 2) lie in the crop, so far from its edge."""
    return ((points > margin - 0.5) & (points < SIZE - 0.5 - margin)).all(-1)


@pytest.mark.parametrize("angle", [0.0, -150.0])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("scale", [0.6, 2.4])
def test_what_is_sampled_agrees_with_what_is_transformed(angle, mirror, scale):
    """A dot at each joint in turn is seen where the joint is said to be; shrunk, enlarged, turned, mirrored."""
    for joint in range(0, 16, 3):
        people = make_people(dot=joint)
        center, side = person_squares(people, 1.25)
        matrices = crop_matrices(center, side * scale, torch.tensor([angle]), torch.tensor([mirror]), SIZE)
        expected = transform(people.joints, matrices)[0, joint]
        if within(expected, 8):
            found = bright_spot(sample(people.photos, matrices, SIZE)[0] / 255)
            assert np.abs(found - expected.numpy()).max() < 0.1, (joint, found, expected)


@pytest.fixture
def no_recolouring(monkeypatch):
    """Crops as they are cut, before colours, noise and fillings."""
    monkeypatch.setattr("train.data.augment._recolour", lambda images, *_: images)


@pytest.mark.usefixtures("no_recolouring")
@pytest.mark.parametrize("name", ["right_ankle", "left_elbow"])
def test_random_crops_show_a_joint_where_they_say(name):
    """In a mirrored crop the dot of the left elbow is a right elbow: sides are the person's as it is seen."""
    joint = MPII_16.index(name)
    crops = random_crops(make_people(count=24, dot=joint), SIZE, 1.4, PERSON, seeded(joint))
    assert crops.angle.abs().max() > 90
    compared = {False: 0, True: 0}
    for row, mirrored in enumerate(crops.mirror.tolist()):
        expected = crops.joints[row, 0, MPII_16.mirror[joint] if mirrored else joint]
        if within(expected, 8):
            assert np.abs(bright_spot(crops.images[row]) - expected.numpy()).max() < 0.15
            compared[mirrored] += 1
    assert min(compared.values()) >= 5


def test_plain_crops_show_what_inference_shows():
    people = make_people(count=2, dot=3)
    images, matrices = plain_crops(people, 64, 1.25)
    for row in range(2):
        crop = crop_of_box(people.box[row], 64, 1.25)
        assert np.allclose(matrices[row], crop.matrix, atol=1e-3)
        cut = crop.cut(people.photos[row].permute(1, 2, 0).numpy())
        inside = (images[row, 0, 4:-4, 4:-4] * 255).numpy()
        assert np.abs(inside - cut[4:-4, 4:-4, 0]).max() < 12


@pytest.mark.parametrize("mirror", [False, True])
def test_turned_poses_agree_with_the_joints(mirror):
    """The 3D, projected, moves as the 2D does: same turn, same mirror, sides swapped in both."""
    generator = seeded()
    pose, weight = 300 * torch.randn(12, 17, 3, generator=generator), torch.rand(12, 17, generator=generator)
    angle, flip = 360 * torch.rand(12, generator=generator), torch.full((12,), mirror)
    matrices = crop_matrices(torch.zeros(12, 2), torch.full((12,), 100.0), angle, flip, 100)
    turned, trust = turned_poses(pose, weight, angle, flip)
    expected = transform(pose[..., :2], matrices) - transform(torch.zeros(12, 1, 2), matrices)
    order = list(HUMAN36M_17.mirror) if mirror else list(range(17))
    assert torch.allclose(turned[..., :2], expected[:, order], atol=0.01)
    assert torch.equal(turned[..., 2], pose[:, order, 2])
    assert torch.equal(trust, weight[:, order])


def test_negatives_have_empty_maps_that_count():
    people = make_people(count=64)
    people.joints *= 0.4  # in the upper left corner
    people.box *= 0.4
    people.weight[:, 3] = people.weight[:, 2] = 0
    crops = random_crops(people, SIZE, 1.25, NEGATIVE, seeded())
    maps, weight = target_maps(crops, 1.25)
    inside = within(crops.joints[:, 0])
    inside[:, [2, 3]] = False
    empty = ~inside.any(1)
    assert empty.float().mean() > 0.9
    assert maps[empty].abs().max() == 0
    assert (weight[empty] == 1).all()


def test_a_crop_beside_the_person_that_shows_a_joint_says_so():
    """A crop that cannot avoid the person must not teach that no person is there."""
    people = make_people(count=16)
    people.box[:] = torch.tensor([-0.5, -0.5, 127.5, 127.5])  # wherever it is cut, it overlaps
    people.joints[:] = 64 + 50 * (2 * torch.rand(16, 16, 2, generator=seeded()) - 1)
    crops = random_crops(people, SIZE, 1.25, NEGATIVE, seeded())
    inside = within(crops.joints[:, 0], 2)
    assert inside.any(1).sum() > 10
    assert target_maps(crops, 1.25)[0].amax((2, 3))[inside].min() > 0.5


def test_maps_peak_at_the_joints_and_an_unknown_joint_does_not_count():
    people = make_people(count=12)
    left, right = MPII_16.index("left_knee"), MPII_16.index("right_knee")
    people.weight[:, left], people.weight[:, right] = 0, 0.5
    crops = random_crops(people, SIZE, 1.4, PERSON, seeded(1))
    maps, weight = target_maps(crops, 1.25)
    assert maps.shape == (12, 16, SIZE // 4, SIZE // 4)
    points, peaks = decode(maps)
    inside = within(crops.joints[:, 0], 4) & (weight > 0)
    assert inside.float().mean() > 0.7
    assert (to_crop_coordinates(points) - crops.joints[:, 0])[inside].abs().max() < 0.1
    assert peaks[inside].min() > 0.85
    for row, mirrored in enumerate(crops.mirror.tolist()):
        unknown, known = (right, left) if mirrored else (left, right)
        assert (weight[row, unknown], maps[row, unknown].max(), weight[row, known]) == (0, 0, 0.5)
    assert (people.weight[:, left] == 0).all(), "the people themselves are not changed"


@pytest.mark.usefixtures("no_recolouring")
def test_people_behind_are_drawn_only_where_they_are_seen():
    """A second person comes behind the first one's photo; the joints that this photo hides have no peak."""
    people, asked = make_people(count=200), []
    people.photos[:] = 100

    def behind(where):
        asked.append(where)
        others = people.take(where)
        others.photos = others.photos + 100
        return others

    crops = random_crops(people, SIZE, 1.25, SCENE, seeded(2), behind)
    double = crops.drawn[:, 1].any(1)
    assert 50 < int(double.sum()) < 150
    assert (double <= asked[0]).all(), "asked for only where some stand"
    assert crops.drawn[:, 0].all()
    x, y = crops.joints[:, 1].round().long().clamp(0, SIZE - 1).unbind(-1)
    shade = crops.images[:, 0].flatten(1).gather(1, y * SIZE + x)
    near = within(crops.joints[:, 1], 2) & double[:, None]
    hidden = near & ((shade - 100 / 255).abs() < 0.01)
    assert int(hidden.sum()) > 5
    assert not crops.drawn[:, 1][hidden].any()
    assert crops.drawn[:, 1][near & (shade > 199 / 255)].all()
    assert (shade[near & crops.drawn[:, 1]] > 0.5).all(), "every drawn joint lies on the photo behind"


def test_a_joint_that_is_unknown_of_who_stands_behind_does_not_count():
    people, asked = make_people(count=40), []

    def behind(where):
        asked.append(where)
        others = people.take(where)
        others.weight[:, 3] = 0
        return others

    weight = random_crops(people, SIZE, 1.25, SCENE, seeded(2), behind).weight
    assert torch.equal((weight == 0).any(1), asked[0])


def test_narrow_crops_are_upright_and_show_the_whole_person():
    people = make_people(count=200)
    narrow, wide = (random_crops(people, SIZE, 1.25, AUGMENT[name], seeded(6)) for name in ("narrow", "wide"))
    assert float(((narrow.angle + 180) % 360 - 180).abs().max()) < 30
    whole = [within(one.joints[:, 0]).all(1).float().mean() for one in (narrow, wide)]
    assert whole[0] > 0.8 > whole[1]


def test_the_same_seed_gives_the_same_crops_whatever_else_is_drawn():
    people, before = make_people(count=10, dot=2), torch.random.get_rng_state()
    config = AugmentConfig(scene=0.4, negative=0.2)
    one, same, other = (random_crops(people, SIZE, 1.25, config, seeded(seed), people.take) for seed in (7, 7, 8))
    for field in dataclasses.fields(AugmentedCrops):
        assert torch.equal(getattr(one, field.name), getattr(same, field.name)), field.name
    assert not torch.equal(one.images, other.images)
    assert 0 <= one.images.min() <= one.images.max() <= 1
    assert torch.equal(torch.random.get_rng_state(), before), "no global generator is used"


def test_fractions_of_the_kinds_of_crops():
    people = make_people(count=400, side=64)
    people.joints *= 0.4
    people.box *= 0.4
    crops = random_crops(people, 64, 1.25, AugmentConfig(scene=0, cut=0, negative=0.25, any_angle=0), seeded(6))
    assert 0.18 < (~crops.drawn.any((1, 2))).float().mean() < 0.32
    assert 10 < crops.angle.std() < 20
    assert 0.4 < crops.mirror.float().mean() < 0.6
