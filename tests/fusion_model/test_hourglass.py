"""The stacked hourglass: published sizes, shapes, supervision of every stack, flip averaging."""

import pytest
import torch
from torch import nn

from fusion_model.config import HourglassConfig
from fusion_model.hourglass import StackedHourglass, flip_average, folded
from fusion_model.skeletons import MPII_16
from tests.helpers.estimators import parameters


def small(stacks=2, joints=16):
    torch.manual_seed(0)
    return StackedHourglass(HourglassConfig(stacks=stacks, width=16, input_size=64, joints=joints)).eval()


@pytest.mark.parametrize(("stacks", "published"), [(1, 3_426_448), (8, 25_434_112)])
def test_published_parameter_counts(stacks, published):
    with torch.device("meta"):
        assert parameters(StackedHourglass(HourglassConfig(stacks=stacks, width=256))) == published


def test_one_set_of_maps_a_stack_for_any_multiple_of_64():
    maps = small(stacks=3, joints=5)(torch.rand(2, 3, 64, 192))
    assert [tuple(one.shape) for one in maps] == [(2, 5, 16, 48)] * 3
    for shape in ((3, 64, 64), (1, 4, 64, 64), (1, 3, 60, 64), (1, 3, 64, 65)):
        with pytest.raises(ValueError, match=r"multiples of 64, got \(" + ", ".join(map(str, shape))):
            small()(torch.zeros(shape))


def test_features_are_those_of_the_innermost_scale_of_the_last_hourglass():
    network, image = small(), torch.rand(2, 3, 128, 64)
    seen, innermost = [], network.hourglasses[-1].inner.inner.inner
    innermost.register_forward_hook(lambda _module, _inputs, outputs: seen.append(outputs[0]))
    with torch.inference_mode():
        maps, features = network.maps_and_features(image)
        torch.testing.assert_close(maps, network(image))
    assert features.shape == (2, 16, 4, 2)
    assert torch.equal(features, seen[0])


def test_every_stack_is_supervised():
    """The loss of each stack alone reaches the first layer, and no stack behind it."""
    network = small(stacks=3).train()
    for stack in range(3):
        network.zero_grad(set_to_none=True)
        network(torch.rand(2, 3, 64, 64))[stack].square().mean().backward()
        assert network.front[0].weight.grad.abs().sum() > 0
        reached = [head.weight.grad is not None for head in network.heads]
        # A later stack's loss also passes through the maps of the earlier ones, which are fed back in.
        assert reached == [number <= stack for number in range(3)]


def test_folded_gives_the_same_maps_with_fewer_norms():
    network = small().train()
    for _ in range(3):  # statistics that are not those of the start
        network(torch.rand(4, 3, 64, 64) * 2)
    network.eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    copy, images = folded(network), torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(copy(images), network(images), rtol=1e-4, atol=1e-5)
    norms, left = (sum(isinstance(m, nn.BatchNorm2d) for m in one.modules()) for one in (network, copy))
    assert left < norms / 2
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_flip_average_swaps_sides_and_turns_back():
    maps, mirrored = torch.zeros(2, 1, 16, 4, 6)
    left, right = MPII_16.index("left_wrist"), MPII_16.index("right_wrist")
    maps[0, left, 1, 0] = 1.0
    mirrored[0, right, 1, 5] = 0.5  # in the mirror the left wrist looks like a right one, at the other border
    mean = flip_average(maps, mirrored, MPII_16.mirror)
    assert mean[0, left, 1, 0] == mean.sum() == 0.75
