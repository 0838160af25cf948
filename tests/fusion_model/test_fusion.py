"""The fusion network against Eq. 1, 3 and 4 of the paper."""

import dataclasses
import math

import pytest
import torch

from fusion_model.config import FusionConfig, LayerConfig
from fusion_model.fusion import FusionNetwork
from fusion_model.presets import PRESETS
from fusion_model.readings import read_maps
from fusion_model.streams import last_features
from tests.helpers.estimators import TINY, fusion_inputs, fusion_network, parameters
from train.losses import fusion_loss

DEPTH = len(TINY.layers)
RESIDUAL = (*TINY.layers, LayerConfig("residual", 16), LayerConfig("fc", 8))
DESIGNS = [{}, {"batch_norm": True}, {"map_readings": True, "layers": RESIDUAL}, {"layers": TINY.layers[:2]}]


def copy_shared(source, target):
    """Give ``target`` the tensors of ``source`` that it has; it must have no others."""
    state = source.state_dict()
    target.load_state_dict({name: state[name] for name in target.state_dict()})
    return target


def with_weights(network, weights):
    with torch.no_grad():
        network.free_weights.copy_(torch.tensor(weights))
    return network


def test_paper_preset_has_the_sizes_of_figure_3_and_starting_weights_follow_the_released_code():
    with torch.device("meta"):
        network = FusionNetwork(PRESETS["paper"].fusion)
    assert round(parameters(network.image_stream) / 1e6, 2) == 20.46
    assert round(parameters(network.map_stream) / 1e6, 2) == 20.50
    assert round((parameters(network.fusion_stream) + parameters(network.output)) / 1e6, 2) == 81.95
    assert last_features(PRESETS["paper"].fusion, 3, 1) == 512
    layers = (LayerConfig("conv", 16, kernel=5), LayerConfig("fc", 64, dropout=0.5), LayerConfig("fc", 64))
    network = fusion_network(layers=layers, input_size=12, map_readings=True, output_unit_mm=100.0)
    assert [network.map_stream.layer(number).dropout.p for number in (1, 2, 3)] == [0, 0.5, 0]
    assert network.map_stream.layer(2).read.weight.std().item() == pytest.approx((1 / 64) ** 0.5, rel=0.05)
    assert network.output.weight.abs().max().item() == pytest.approx((6 / 128) ** 0.5 / 100, rel=0.01)
    first, second, third = (network.map_stream.layer(number).op for number in (1, 2, 3))
    assert first.weight.std().item() == pytest.approx((2 / (16 * 25)) ** 0.5, rel=0.05)
    assert second.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert third.weight.abs().max().item() == pytest.approx((6 / 64) ** 0.5, rel=0.01)
    assert all(layer.bias.abs().max() == 0 for layer in (first, second, third, network.output))


@pytest.mark.parametrize("strategy", ["image-only", "maps-only"])
def test_single_stream_reads_one_input_alone(strategy):
    network, (image, maps) = fusion_network(strategy=strategy), fusion_inputs()
    same = [torch.allclose(network(image, maps), network(*one)) for one in ((1 - image, maps), (image, 1 - maps))]
    assert same == [strategy == "maps-only", strategy == "image-only"]
    assert network.alpha is None
    assert network.mixing_weights().tolist() == [0.0] * DEPTH
    with pytest.raises(ValueError, match="no merging layer"):
        network.harden()


# I_1 = 0.1, X_1 = 1, Z_1 = (0.8, 4): 0.75 * 0.1 + 0.25 * 0.8 = 0.275 and 0.75 * 1 + 0.25 * 4 = 1.75. With w_0 = 0.25
# and w_1 = 0.5, Z_1 = 0.75 (0.8, 4.0): 0.5 * 0.1 + 0.5 * 0.6 = 0.35 and 0.5 * 1 + 0.5 * 3 = 2.
@pytest.mark.parametrize(("beta", "mixed", "expected"), [(2.0, False, [0.275, 1.75, 0]), (1.0, True, [0.35, 2.0, 0])])
def test_eq_1_computed_by_hand(beta, mixed, expected):
    # One layer (fc, width 1), so Z_1 has 2 features and the output layer takes (1 - w_1) (I_1, X_1) + w_1 Z_1.
    config = FusionConfig((LayerConfig("fc", 1),), 1, 1, initial_alpha=math.log(3), initial_beta=beta, mix_input=mixed)
    network = FusionNetwork(dataclasses.replace(config, strategy="trainable" if mixed else "free")).eval()
    with torch.no_grad():
        network.image_stream.layer(1).op.weight.copy_(torch.tensor([[1.0, 0.0, 0.0]]))
        network.map_stream.layer(1).op.weight.copy_(torch.tensor([[2.0]]))
        network.fusion_stream.layer(1).op.weight.copy_(torch.tensor([[0.0, 4, 0, 0], [0.0, 0, 0, 8]]))
        network.output.weight.zero_()
        network.output.weight[:2] = torch.eye(2)
    image, maps = torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1), torch.tensor(0.5).view(1, 1, 1, 1)
    assert network(image, maps)[0, 0].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_step_weights_are_fixed_fusion(design):
    """Weights [l > b] compute what networks do that are built for b; early and late fusion are the first and last."""
    network = fusion_network(strategy="free", **design)
    inputs = fusion_inputs()
    for b in range(network.depth + 1):
        step = [float(layer > b) for layer in range(1, network.depth + 1)]
        expected = with_weights(network, step)(*inputs)
        kinds = [{"strategy": "fixed", "fixed_beta": b}]
        kinds += [{"strategy": "early"}] * (b == 0) + [{"strategy": "late"}] * (b == network.depth)
        for kind in kinds:
            fixed = copy_shared(network, fusion_network(seed=9, **kind, **design))
            torch.testing.assert_close(fixed(*inputs), expected)
            assert (fixed.mixing_weights().tolist(), fixed.merging_layer) == (step, b)


def test_eq_3_at_the_papers_start():
    small = dataclasses.replace(PRESETS["paper"].fusion, layers=(LayerConfig("fc", 2),) * 7, input_size=2)
    network = FusionNetwork(small)
    assert (network.alpha.item(), network.beta.item()) == (pytest.approx(0.1), 4.0)
    weights = network.mixing_weights().tolist()
    # 1 / (1 + exp(0.3)) = 0.42556, 1 / (1 + exp(0)) = 0.5, 1 / (1 + exp(-0.3)) = 0.57444
    assert [weights[0], weights[3], weights[6]] == pytest.approx([0.42556, 0.5, 0.57444], abs=1e-5)
    free = FusionNetwork(dataclasses.replace(small, strategy="free"))
    torch.testing.assert_close(free.mixing_weights(), network.mixing_weights())
    weights = FusionNetwork(dataclasses.replace(small, alpha_squared=True, initial_beta=4.6)).mixing_weights().tolist()
    # slope 0.01: 1 / (1 + exp(0.036)) = 0.49100, 1 / (1 + exp(-0.024)) = 0.50600
    assert [weights[0], weights[6]] == pytest.approx([0.49100, 0.50600], abs=1e-5)


def test_loss_is_eq_4_and_training_moves_alpha_and_beta_and_the_penalty_raises_alpha():
    network = fusion_network()
    prediction, target = torch.zeros(2, 2, 17, 3)
    target[0, 1] = torch.tensor([3.0, 4.0, 0.0])
    target[1, 2, 2] = 2.0
    # 0.5 * (25 + 4) / 2 = 7.25; 5000 / 0.1**2 = 5e5
    assert fusion_loss(prediction, target, network).item() == pytest.approx(500_007.25)
    assert fusion_loss(prediction, target, fusion_network(strategy="early")).item() == 7.25
    joints, mask = torch.ones(17), torch.ones(2, 17)
    joints[1], mask[1] = 0.0, 0.0
    for weights, expected in ((joints, 1.0), (mask, 6.25)):
        assert fusion_loss(prediction, target, network, weights, sharpness=0.0).item() == expected
    far = fusion_loss(1e3 * prediction, 1e3 * target, network, sharpness=0.0, squared=False).item()
    lengths = (1e3 * (prediction - target)).norm(dim=-1)
    assert far == pytest.approx(100 * (lengths**2 + 20**2).sqrt().sum(1).mean().item()), "a distance, where it is long"
    network = fusion_network()
    network(*fusion_inputs()).square().sum().backward()
    assert 0 not in (network.alpha.grad.item(), network.beta.grad.item())
    network.zero_grad()
    network.fusion_penalty().backward()
    assert network.alpha.grad.item() < 0


@pytest.mark.parametrize(("start", "middle"), [(1.9, 1.5), (2.1, 2.5)])
def test_centring_draws_beta_to_the_middle_between_the_layers_that_it_lies_between(start, middle):
    network = fusion_network(initial_beta=start)
    plain = network.fusion_penalty(3.0).item()
    assert network.fusion_penalty(3.0, centring=2.0).item() == pytest.approx(plain + 6 * (start - middle) ** 2)


def test_harden_fixes_the_weights_and_leaves_the_rest_trainable():
    network = fusion_network(initial_beta=1.4).train()
    assert not network.is_sharp()
    assert (network.harden(), network.mixing_weights().tolist()) == (1, [0.0, 1.0, 1.0])
    assert network.is_sharp(0.0)
    for mixed in (False, True):  # w_0 = 0.5 counts where it mixes the input
        assert fusion_network(initial_alpha=50.0, initial_beta=0.0, mix_input=mixed).is_sharp() != mixed
    fusion_loss(network(*fusion_inputs()), torch.zeros(3, 17, 3), network).backward()
    assert network.alpha.grad is None
    assert network.output.weight.grad.abs().sum() > 0
    restored = copy_shared(network, fusion_network(seed=9))
    assert torch.equal(restored.mixing_weights(), network.mixing_weights())


def test_features_stand_for_pixels_and_readings_for_those_of_the_maps_themselves():
    network = fusion_network(photo_features=5, map_readings=True)
    (image, maps), side = fusion_inputs(), TINY.input_size
    features, readings = torch.randn(3, 5, side, side), read_maps(maps)
    for inputs, message in (((image, maps), r"image must be \(N, 5, 32, 32\)"), ((features, maps), "readings must be")):
        with pytest.raises(ValueError, match=message):
            network(*inputs)
    pose = network(features, maps, readings)
    assert not torch.allclose(network(features, maps, readings + 1), pose, atol=1e-3)
    assert not torch.allclose(network(features + 1, maps, readings), pose, atol=1e-3)
    of_maps = fusion_network(map_readings=True)
    torch.testing.assert_close(of_maps(image, maps), of_maps(image, maps, readings))


@pytest.mark.parametrize("beta", [-3.0, 1.4, 40.0])
def test_a_hardened_network_trains_as_if_layers_of_weight_0_were_computed_too(beta):
    network = fusion_network(initial_beta=beta, map_readings=True)
    network.harden()

    def trained(mode):
        network.train(mode).zero_grad()
        output = network(*fusion_inputs())
        output.square().mean().backward()
        return output, {name: one.grad.clone() for name, one in network.named_parameters() if one.grad is not None}

    (output, gradients), (whole, all_gradients) = trained(True), trained(False)
    torch.testing.assert_close(output, whole)
    left_out = set(all_gradients) - set(gradients)
    assert left_out
    assert not any(all_gradients[name].any() for name in left_out)
    torch.testing.assert_close(gradients, {name: all_gradients[name] for name in gradients})


# Of [0.75, 0.25, 1], the steps are 1, 1.5, 1 and 2 away: the later of two equally near.
@pytest.mark.parametrize(("start", "b"), [(-3.0, 0), (1.0, 1), (2.9, 2), (40.0, 3), ([0.75, 0.25, 1.0], 2)])
def test_the_merging_layer_is_the_floor_of_beta_and_of_free_weights_the_nearest_step(start, b):
    free = isinstance(start, list)
    network = with_weights(fusion_network(strategy="free"), start) if free else fusion_network(initial_beta=start)
    assert network.merging_layer == network.harden() == b


def test_free_weights_stay_in_range_and_come_back():
    network = with_weights(fusion_network(strategy="free"), [1.5, -0.5, 0.5])
    assert network.mixing_weights().tolist() == [1.0, 0.0, 0.5]
    # Where a descent step would lead inwards, the gradients pass.
    for sign, gradient in ((1.0, [1.0, -1.0, 1.0]), (-1.0, [0.0, 0.0, 1.0])):
        network.free_weights.grad = None
        (network.mixing_weights() * torch.tensor([sign, -sign, 1.0])).sum().backward()
        assert network.free_weights.grad.tolist() == gradient


def test_other_shapes_are_refused():
    maps, image = torch.zeros(2, 16, 32, 32), torch.zeros(2, 3, 32, 32)
    for name, inputs, found in (("image", (image[:, :, 2:], maps), "3, 30"), ("maps", (image, image), "3, 32")):
        with pytest.raises(ValueError, match=rf"{name} must be \(N, (3|16), 32, 32\), got \(2, {found}, 32\)"):
            fusion_network()(*inputs)
    for inputs, message in (((image[0], maps[0]), r"got \(3, 32, 32\)"), ((image, maps[:1]), "same N, got 2 and 1")):
        with pytest.raises(ValueError, match=message):
            fusion_network()(*inputs)
    with pytest.raises(ValueError, match="layer 2 leaves nothing"):
        fusion_network(input_size=5)
