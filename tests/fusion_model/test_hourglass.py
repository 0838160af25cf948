"""The stacked hourglass: published sizes, shapes, supervision of every stack, flip averaging."""

import pytest
import torch
from torch import nn

from fusion_model.config import HourglassConfig
from fusion_model.hourglass import StackedHourglass, flip_average, folded
from fusion_model.skeletons import MPII_16


def small(stacks=2):
    torch.manual_seed(0)
    return StackedHourglass(HourglassConfig(stacks=stacks, width=16, input_size=64))


@pytest.mark.parametrize(("stacks", "published"), [(1, 3_426_448), (2, 6_570_400), (4, 12_858_304), (8, 25_434_112)])
def test_published_parameter_counts(stacks, published):
    with torch.device("meta"):
        network = StackedHourglass(HourglassConfig(stacks=stacks, width=256))
    assert sum(parameter.numel() for parameter in network.parameters()) == published


@pytest.mark.parametrize(("height", "width"), [(64, 64), (128, 64), (64, 192)])
def test_one_set_of_maps_a_stack_for_any_multiple_of_64(height, width):
    maps = small(stacks=3).eval()(torch.rand(2, 3, height, width))
    assert [tuple(one.shape) for one in maps] == [(2, 16, height // 4, width // 4)] * 3


def test_features_are_those_of_the_innermost_scale_of_the_last_hourglass():
    network, image = small(stacks=2).eval(), torch.rand(2, 3, 128, 64)
    seen, innermost = [], network.hourglasses[-1].inner.inner.inner
    innermost.register_forward_hook(lambda _module, _inputs, outputs: seen.append(outputs[0]))
    with torch.inference_mode():
        maps, features = network.maps_and_features(image)
        assert all(torch.equal(one, other) for one, other in zip(maps, network(image), strict=True))
    assert features.shape == (2, 16, 4, 2)
    assert torch.equal(features, seen[0])


def test_joints_are_configuration():
    network = StackedHourglass(HourglassConfig(stacks=2, width=8, input_size=64, joints=5)).eval()
    assert [one.shape[1] for one in network(torch.rand(1, 3, 64, 64))] == [5, 5]


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 4, 64, 64), (1, 3, 60, 64), (1, 3, 64, 65)])
def test_other_shapes_are_refused_by_their_shape(shape):
    with pytest.raises(ValueError, match=r"multiples of 64, got \(" + ", ".join(map(str, shape))):
        small()(torch.zeros(shape))


def test_every_stack_is_supervised():
    """The loss of each stack alone reaches the first layer, and no stack behind it."""
    network = small(stacks=3)
    for stack in range(3):
        network.zero_grad(set_to_none=True)
        network(torch.rand(2, 3, 64, 64))[stack].square().mean().backward()
        assert network.front[0].weight.grad.abs().sum() > 0
        reached = [head.weight.grad is not None for head in network.heads]
        # A later stack's loss also passes through the maps of the earlier ones, which are fed back in.
        assert reached == [number <= stack for number in range(3)]


def test_maps_are_fed_back_into_the_next_stack():
    network, image = small(stacks=2).eval(), torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        first, second = network(image)
        network.heads[0].bias += 1.0
        shifted_first, shifted_second = network(image)
    assert torch.allclose(shifted_first, first + 1, atol=1e-5)
    assert not torch.allclose(shifted_second, second, atol=1e-3)


def test_the_input_is_centred_inside():
    network = small(stacks=1).eval()
    with torch.no_grad():
        network.front[0].bias.zero_()
    assert network.front[0](torch.full((1, 3, 64, 64), 0.5) - 0.5).abs().max() == 0
    seen = []
    network.front[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(torch.full((1, 3, 64, 64), 0.5))
    assert seen[0].abs().max() == 0


def test_folded_gives_the_same_maps_with_fewer_norms():
    network = small()
    for _ in range(3):  # statistics that are not those of the start
        network(torch.rand(4, 3, 64, 64) * 2)
    network.eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    copy, images = folded(network), torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        for ours, theirs in zip(copy(images), network(images), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    norms, left = (sum(isinstance(m, nn.BatchNorm2d) for m in one.modules()) for one in (network, copy))
    assert left < norms / 2
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_flip_average_swaps_sides_and_turns_back():
    maps = torch.zeros(1, 16, 4, 6)
    left, right = MPII_16.index("left_wrist"), MPII_16.index("right_wrist")
    maps[0, left, 1, 0] = 1.0
    mirrored = torch.zeros_like(maps)
    mirrored[0, right, 1, 5] = 0.5  # in the mirror the left wrist looks like a right one, at the other border
    mean = flip_average(maps, mirrored, MPII_16.mirror)
    assert mean[0, left, 1, 0] == 0.75
    assert mean.sum() == 0.75
    assert mean[0, right].abs().max() == 0
