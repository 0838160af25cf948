"""The stacked hourglass: published sizes, shapes, supervision of every stack, flip averaging."""

import pytest
import torch

from fusion_model.config import HourglassConfig
from fusion_model.hourglass import StackedHourglass, flip_average
from fusion_model.skeletons import MPII_16
from tests.helpers.estimators import parameters


def small(stacks=2, joints=16):
    torch.manual_seed(0)
    return StackedHourglass(HourglassConfig(stacks=stacks, width=16, input_size=64, joints=joints)).eval()


@pytest.mark.parametrize(("stacks", "published"), [(1, 3_426_448), (8, 25_434_112)])
def test_published_parameter_counts(stacks, published):
    with torch.device("meta"):
        assert parameters(StackedHourglass(HourglassConfig(stacks=stacks, width=256))) == published


def test_one_supervised_set_of_maps_a_stack_for_any_multiple_of_64():
    maps = small(stacks=3, joints=5)(torch.rand(2, 3, 64, 192))
    assert [tuple(one.shape) for one in maps] == [(2, 5, 16, 48)] * 3
    for shape in ((3, 64, 64), (1, 4, 64, 64), (1, 3, 60, 64), (1, 3, 64, 65)):
        with pytest.raises(ValueError, match=r"multiples of 64, got \(" + ", ".join(map(str, shape))):
            small()(torch.zeros(shape))
    # The loss of each stack alone reaches the first layer, and no stack behind it.
    network = small(stacks=3).train()
    for stack in range(3):
        network.zero_grad(set_to_none=True)
        network(torch.rand(2, 3, 64, 64))[stack].square().mean().backward()
        assert network.front[0].weight.grad.abs().sum() > 0
        reached = [head.weight.grad is not None for head in network.heads]
        # A later stack's loss also passes through the maps of the earlier ones, which are fed back in.
        assert reached == [number <= stack for number in range(3)]


def test_flip_average_swaps_sides_and_turns_back():
    maps, mirrored = torch.zeros(2, 1, 16, 4, 6)
    left, right = MPII_16.index("left_wrist"), MPII_16.index("right_wrist")
    maps[0, left, 1, 0] = 1.0
    mirrored[0, right, 1, 5] = 0.5  # in the mirror the left wrist looks like a right one, at the other border
    mean = flip_average(maps, mirrored, MPII_16.mirror)
    assert mean[0, left, 1, 0] == mean.sum() == 0.75
