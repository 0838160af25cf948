"""Random crops: what is seen, where its joints are said to be, and what the maps say lie in one place."""

import dataclasses
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fusion_model.crops import crop_of_box
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.fake_data import make_people
from train.data import augment
from train.data.augment import AUGMENT, AUGMENT_POSES, AugmentConfig, AugmentedCrops, transform

SIZE = 128


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def scripted(count, uniforms, normals):
    """Noise by hand: each call gives the next numbers to all ``count`` samples, or to each its own."""

    def taken(numbers, *shape, rows=None):
        return torch.as_tensor(next(numbers)).expand(count if rows is None else int(rows.sum()), *shape).clone()

    return SimpleNamespace(uniform=partial(taken, iter(uniforms)), normal=partial(taken, iter(normals)))


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
        center, side = augment.person_squares(people, 1.25)
        matrices = augment.crop_matrices(center, side * scale, torch.tensor([angle]), torch.tensor([mirror]), SIZE)
        expected = transform(people.joints, matrices)[0, joint]
        if within(expected, 8):
            found = bright_spot(augment.sample(people.photos, matrices, SIZE)[0] / 255)
            assert np.abs(found - expected.numpy()).max() < 0.1, (joint, found, expected)


@pytest.mark.parametrize(("shrinking", "grey"), [(1.6, False), (1.8, True)])
def test_what_shrinks_much_is_averaged_first(shrinking, grey):
    photos, upright = torch.zeros(1, 3, 128, 128, dtype=torch.uint8), torch.zeros(1)
    photos[..., ::2] = 200
    matrices = augment.crop_matrices(
        torch.tensor([[64.0, 64.0]]), torch.tensor([32 * shrinking]), upright, upright > 0, 32
    )
    assert ((augment.sample(photos, matrices, 32) - 100).abs().max() < 1) == grey


def test_plain_crops_show_what_inference_shows():
    people = make_people(count=2, dot=3)
    images, matrices = augment.plain_crops(people, 64, 1.25)
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
    matrices = augment.crop_matrices(torch.zeros(12, 2), torch.full((12,), 100.0), angle, flip, 100)
    turned, trust = augment.turned_poses(pose, weight, angle, flip)
    expected = transform(pose[..., :2], matrices) - transform(torch.zeros(12, 1, 2), matrices)
    order = list(HUMAN36M_17.mirror) if mirror else list(range(17))
    assert torch.allclose(turned[..., :2], expected[:, order], atol=0.01)
    assert torch.equal(turned[..., 2], pose[:, order, 2])
    assert torch.equal(trust, weight[:, order])


def test_a_map_has_the_peaks_of_everyone_who_is_drawn():
    joints, drawn = torch.full((1, 2, 16, 2), 41.5), torch.ones(1, 2, 16, dtype=torch.bool)
    joints[0, 1, 1:], drawn[0, 1, 2] = 81.5, False
    crops = AugmentedCrops(torch.zeros(1, 3, SIZE, SIZE), joints, drawn, torch.ones(1, 16), *torch.zeros(2, 1))
    maps, weight = augment.target_maps(crops, 1.25)
    assert maps.shape == (1, 16, SIZE // 4, SIZE // 4)
    assert weight is crops.weight
    for joint, peaks in ((0, [1, 0]), (1, [1, 1]), (2, [1, 0])):
        assert maps[0, joint, [10, 20], [10, 20]].tolist() == pytest.approx(peaks, abs=1e-3)


LEFT, RIGHT, NECK = (MPII_16.index(name) for name in ("left_knee", "right_knee", "neck"))
ORDER = torch.tensor(MPII_16.mirror)


@pytest.fixture
def made(monkeypatch):
    """A row each: scenes, the second with somebody behind; cuts; people; two negatives. The usual settings, by hand."""
    monkeypatch.setattr("train.data.augment._recolour", lambda images, *_: images)
    people, asked = make_people(count=9), []
    people.photos = torch.randint(0, 100, (9, 3, 128, 128), generator=seeded()).byte()
    people.extent[:] = torch.tensor([19.5, -0.5, 99.5, 127.5])
    people.joints[7] *= 0.4  # in the upper left corner
    people.box[7] *= 0.4
    people.box[8], people.joints[8, NECK] = torch.tensor([-0.5, -0.5, 127.5, 127.5]), 20.0  # no square is beside it
    people.weight[:, LEFT], people.weight[:, RIGHT] = 0, 0.5
    kind = torch.tensor([0.01, 0.149, 0.151, 0.329, 0.331, 0.959, 0.5, 0.961, 0.97])
    any_angle, flip = torch.tensor([0.19, 0.21] * 4 + [0.19]), torch.tensor([0.51, 0.49] * 4 + [0.51])
    second, tries = torch.tensor([0.51, 0.49, *[0.4] * 7]), torch.zeros(24, 2)
    tries[16] = torch.tensor([0.75, 0.25])  # the only square beside the person
    uniforms = [kind, any_angle, 0.75, flip, 0.4, 0.6, torch.tensor([0.9, 0.2]), tries, 0.6]
    uniforms += [second, 0.49, 0.0]  # the other stands 0.5 / 2 to the left and above
    normals = [-1.0, 3.0, torch.tensor([1.0, -2.0]), -1.0]

    def behind(where):
        asked.append(where.tolist())
        others = people.take(where)
        others.photos, others.weight[:, NECK] = others.photos + 100, 0
        return others

    crops = augment.random_crops(people, SIZE, 1.25, AugmentConfig(), scripted(9, uniforms, normals), behind)
    scale = torch.tensor([1.3 * 2**0.6] * 2 + [0.3 + 0.55 * 0.6] * 2 + [2 ** (0.22 * 2)] * 5)
    reach = torch.zeros(9, 2)
    reach[:2] = 0.5 - 0.4 / scale[0]
    reach[2:4] = 0.24 / scale[2] * torch.tensor([0.4, 1.0])
    shift = 2 * reach * torch.tensor([0.4, -0.3]) + 0.05 * torch.tensor([1.0, -2.0])
    center, side = augment.person_squares(people, 1.25)
    centers, sides = center + shift * (side * scale)[:, None], side * scale
    sides[7:] = half = (0.25 + 0.35 * 0.6) * 80
    half /= 2
    centers[7] = torch.tensor([19.5 + 0.75 * 80 - 0.5 * half, -0.5 + 0.25 * 128 + 0.5 * half])
    centers[8] = torch.tensor([19.5 + half, -0.5 + half])
    matrices = augment.crop_matrices(centers, sides, crops.angle, crops.mirror, SIZE)
    return people, crops, asked, matrices, center[1] + (shift[1] - 0.25) * sides[1] * 2**-0.4, sides[1] * 2**-0.4


def test_what_the_random_numbers_make_of_a_crop(made):
    people, crops, asked, matrices, *_ = made
    assert asked == [[False, True, *[False] * 7]]
    assert crops.angle.tolist() == [270.0, -15.0] * 4 + [270.0]
    assert crops.mirror.tolist() == [False, True] * 4 + [False]
    alone = torch.arange(9) != 1
    assert not crops.drawn[alone, 1].any()
    assert torch.allclose(crops.images[alone], (augment.sample(people.photos, matrices, SIZE) / 255)[alone], atol=1e-4)
    expected = transform(people.joints, matrices)
    expected[1::2] = expected[1::2, ORDER]
    assert torch.allclose(crops.joints[:, 0], expected, atol=1e-2)
    # In a mirrored crop the left knee, which is unknown, is a right one; of the one behind, the neck is, too.
    weights = [[1.0, 0.0, 0.5], [1.0, 0.5, 0.0]] * 4 + [[1.0, 0.0, 0.5]]
    weights[1], weights[7] = [0.0, 0.5, 0.0], [1.0, 1.0, 1.0]
    assert crops.weight[:, [NECK, LEFT, RIGHT]].tolist() == weights
    assert people.weight[7, LEFT] == 0, "the people themselves are not changed"
    unknown = torch.tensor([LEFT, RIGHT] * 4 + [LEFT])
    drawn = torch.arange(16) != unknown[:, None]
    drawn[7] = False
    assert torch.equal(crops.drawn[:, 0], drawn)


def test_who_stands_behind_is_drawn_only_where_they_are_seen(made):
    people, crops, _, matrices, middle, size = made
    moves = augment.crop_matrices(middle[None], size[None], crops.angle[1:2] / 2, crops.mirror[1:2], SIZE)
    other = transform(people.joints[1:2], moves)[0, ORDER]
    assert torch.allclose(crops.joints[1, 1], other, atol=1e-2)
    seen = (other - matrices[1, :, 2]) @ torch.linalg.inv(matrices[1, :, :2]).T - torch.tensor([19.5, -0.5])
    beside = torch.maximum(-seen, seen - torch.tensor([80.0, 128.0])).amax(-1)  # of the first one's photo
    clear = (beside.abs() > 2) & within(other) & ~torch.isin(torch.arange(16), torch.tensor([NECK, RIGHT]))
    x, y = other[clear].round().long().unbind(-1)
    assert torch.equal(crops.drawn[1, 1][clear], beside[clear] > 0)
    assert torch.equal(crops.images[1, 0, y, x] > 99.5 / 255, beside[clear] > 0)
    assert (int((beside[clear] > 0).sum()), int((beside[clear] < 0).sum())) == (5, 1)


def test_what_the_random_numbers_make_of_the_colours():
    """The left half lies beyond the photo; grey, noise and the blank rectangle in a row each."""
    images = torch.full((8, 3, 32, 64), 0.5)
    images[..., :32] = 0
    beyond = torch.tensor([0.24, 0.26, 0.49, 0.51, *[0.9] * 4])[:, None, None, None]
    grey = torch.tensor([0.9] * 4 + [0.07, 0.09, 0.9, 0.9])[:, None, None, None]
    noisy = torch.tensor([0.9] * 6 + [0.24, 0.26])
    blank = torch.tensor([0.9] * 2 + [0.24, 0.26] + [0.9] * 4)[:, None, None, None]
    colour, other = (torch.tensor(values)[:, None, None] for values in ([0.2, 0.4, 0.9], [0.1, 0.2, 0.3]))
    uniforms = [beyond, colour, grey, noisy, torch.tensor([0.25, 0.75]), torch.tensor([0.0, 0.5]), blank, other]
    gain = torch.tensor([1.0, 3.0, -3.0])[:, None, None]  # 1.2, and beyond 1.4 and 0.6
    found = augment._recolour(images, scripted(8, uniforms, [1.0, gain, 0.5, 1.0]))
    expected = images.clone()
    expected[0, :, :, :32], expected[1:3, :, :, :32] = colour, (colour + 0.2).clamp(max=1)
    expected = expected * torch.tensor([1.2, 1.4, 0.6])[:, None, None] + 0.03
    expected[4] = expected[4].mean(0)
    expected[6] += 0.04
    expected[2, :, 7:10, 41:56] = other  # (0.25 +- 0.05) of 32 lines, (0.75 +- 0.11) of 64 columns
    assert torch.allclose(found, expected, atol=1e-6)


def test_what_the_trainings_take():
    assert dataclasses.astuple(AUGMENT["wide"]) == (0.15, 0.18, 0.04, 0.2, 15.0, 0.22, 0.05)
    assert dataclasses.astuple(AUGMENT["narrow"]) == (0.06, 0.04, 0.02, 0.0, 6.0, 0.12, 0.03)
    assert dataclasses.astuple(AUGMENT_POSES["wide"]) == (0.0, 0.2, 0.0, 0.1, 15.0, 0.22, 0.05)
    assert dataclasses.astuple(AUGMENT_POSES["narrow"]) == (0.0, 0.0, 0.0, 0.0, 6.0, 0.12, 0.03)


def test_the_same_seed_gives_the_same_crops_whatever_else_is_drawn():
    people, before = make_people(count=10, dot=2), torch.random.get_rng_state()
    config = AugmentConfig(scene=0.4, negative=0.2)
    one, same, other = (
        augment.random_crops(people, SIZE, 1.25, config, seeded(seed), people.take) for seed in (7, 7, 8)
    )
    for field in dataclasses.fields(AugmentedCrops):
        assert torch.equal(getattr(one, field.name), getattr(same, field.name)), field.name
    assert not torch.equal(one.images, other.images)
    assert 0 <= one.images.min() <= one.images.max() <= 1
    assert (one.images == 40 / 255).float().mean() < 0.1, "all are recoloured"
    assert torch.equal(torch.random.get_rng_state(), before), "no global generator is used"
