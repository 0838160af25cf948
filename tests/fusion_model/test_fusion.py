"""The fusion network against Eq. 1, 3 and 4 of the paper."""

import dataclasses

import pytest
import torch

from fusion_model.config import FusionConfig, LayerConfig
from fusion_model.fusion import FusionNetwork
from fusion_model.presets import PRESETS
from fusion_model.readings import read_maps
from fusion_model.streams import last_features
from train.losses import fusion_loss

TINY = PRESETS["tiny"].fusion
DEPTH = len(TINY.layers)
RESIDUAL = (*TINY.layers, LayerConfig("residual", 16), LayerConfig("fc", 8))
DESIGNS = [{}, {"batch_norm": True}, {"map_readings": True}, {"map_readings": True, "layers": RESIDUAL}]


def make(seed=0, **changes):
    torch.manual_seed(seed)
    return FusionNetwork(dataclasses.replace(TINY, **changes)).eval()


def inputs(count=3, config=TINY):
    generator = torch.Generator().manual_seed(1)
    size = config.input_size
    return (
        torch.rand(count, 3, size, size, generator=generator),
        torch.rand(count, config.map_joints, size, size, generator=generator),
    )


def copy_shared(source, target):
    """Give ``target`` the tensors of ``source`` that it has; it must have no others."""
    state = source.state_dict()
    target.load_state_dict({name: state[name] for name in target.state_dict()})
    return target


def with_weights(network, weights):
    """A free network whose weights w_1..w_L are set."""
    with torch.no_grad():
        network.free_weights.copy_(torch.tensor(weights))
    return network


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_paper_preset_has_the_sizes_of_figure_3():
    with torch.device("meta"):
        network = FusionNetwork(PRESETS["paper"].fusion)
    assert round(count(network.image_stream) / 1e6, 2) == 20.46
    assert round(count(network.map_stream) / 1e6, 2) == 20.50
    assert round((count(network.fusion_stream) + count(network.output)) / 1e6, 2) == 81.95
    streams = (network.image_stream, network.map_stream, network.fusion_stream, network.output)
    assert count(network) == sum(map(count, streams)) + 2
    assert last_features(PRESETS["paper"].fusion, 3, 1) == 512


def test_gives_one_3d_pose_a_photo():
    image, maps = inputs()
    assert make()(image, maps).shape == (3, TINY.joints, 3)
    assert make(skeleton="humaneva_15")(image, maps).shape == (3, 15, 3)


@pytest.mark.parametrize("strategy", ["image-only", "maps-only"])
def test_single_stream_reads_one_input_alone(strategy):
    network = make(strategy=strategy)
    (image, maps), other = inputs(), [1 - value for value in inputs()]
    read, unread = ((other[0], maps), (image, other[1]))
    if strategy == "maps-only":
        read, unread = unread, read
    assert torch.equal(network(image, maps), network(*unread))
    assert not torch.allclose(network(image, maps), network(*read))
    assert network.alpha is None
    assert network.mixing_weights().tolist() == [0.0] * DEPTH
    with pytest.raises(ValueError, match="no merging layer"):
        network.harden()


def test_eq_1_computed_by_hand():
    # One layer (fc, width 1), so Z_1 has 2 features and the output layer takes (1 - w_1) (I_1, X_1) + w_1 Z_1.
    config = FusionConfig((LayerConfig("fc", 1),), input_size=1, map_joints=1, strategy="free")
    network = with_weights(FusionNetwork(config).eval(), [0.25])
    with torch.no_grad():
        network.image_stream.layer(1).op.weight.copy_(torch.tensor([[1.0, 0.0, 0.0]]))
        network.map_stream.layer(1).op.weight.copy_(torch.tensor([[2.0]]))
        network.fusion_stream.layer(1).op.weight.copy_(torch.tensor([[0.0, 4, 0, 0], [0.0, 0, 0, 8]]))
        network.output.weight.zero_()
        network.output.weight[:2] = torch.eye(2)
    image, maps = torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1), torch.tensor(0.5).view(1, 1, 1, 1)
    # I_1 = 0.1, X_1 = 1.0, Z_1 = (0.8, 4.0): 0.75 * 0.1 + 0.25 * 0.8 = 0.275 and 0.75 * 1 + 0.25 * 4 = 1.75.
    assert network(image, maps)[0, 0].tolist() == pytest.approx([0.275, 1.75, 0])


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_all_weights_one_is_early_fusion(design):
    network = make(strategy="free", **design)
    with_weights(network, [1.0] * network.depth)
    early = copy_shared(network, make(seed=9, strategy="early", **design))
    torch.testing.assert_close(network(*inputs()), early(*inputs()))
    assert early.mixing_weights().tolist() == [1.0] * network.depth
    assert count(early) == count(early.fusion_stream) + count(early.output)


@pytest.mark.parametrize(
    ("design", "b"),
    [(design, b) for design in DESIGNS for b in range(len(design.get("layers", TINY.layers)) + 1)],
    ids=str,
)
def test_step_weights_are_fixed_fusion(design, b):
    network = make(strategy="free", **design)
    step = [float(layer > b) for layer in range(1, network.depth + 1)]
    with_weights(network, step)
    fixed = copy_shared(network, make(seed=9, strategy="fixed", fixed_beta=b, **design))
    torch.testing.assert_close(network(*inputs()), fixed(*inputs()))
    assert fixed.mixing_weights().tolist() == step
    assert fixed.merging_layer == b


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_late_fusion_is_fixed_fusion_at_the_last_layer(design):
    late = make(strategy="late", **design)
    fixed = copy_shared(late, make(seed=9, strategy="fixed", fixed_beta=late.depth, **design))
    assert torch.equal(late(*inputs()), fixed(*inputs()))


def test_convolutional_last_layers_merge_too():
    config = dataclasses.replace(TINY, layers=TINY.layers[:2], strategy="free")
    network = with_weights(FusionNetwork(config).eval(), [0.0, 1.0])
    fixed = FusionNetwork(dataclasses.replace(config, strategy="fixed", fixed_beta=1)).eval()
    torch.testing.assert_close(network(*inputs()), copy_shared(network, fixed)(*inputs()))


def test_residual_layers_add_two_layers_to_their_input():
    network = make(strategy="maps-only", layers=RESIDUAL)
    layer = network.map_stream.layer(4)
    # Two linear maps of 16 x 16 and their biases.
    assert count(layer) == 2 * (16 * 16 + 16)
    assert count(make(layers=RESIDUAL).fusion_stream.layer(4)) == 2 * (32 * 32 + 32)
    x = torch.rand(3, 16, generator=torch.Generator().manual_seed(0))
    inner = (x @ layer.first.op.weight.T).relu()
    torch.testing.assert_close(layer(x), x + (inner @ layer.second.op.weight.T).relu())


def test_eq_3_at_the_papers_start():
    # A network of the same depth, L = 7, but small.
    small = dataclasses.replace(
        PRESETS["paper"].fusion, layers=tuple(LayerConfig("fc", 2) for _ in range(7)), input_size=2
    )
    network = FusionNetwork(small)
    assert (network.alpha.item(), network.beta.item()) == (pytest.approx(0.1), 4.0)
    # 1 / (1 + exp(0.3)) = 0.42556, 1 / (1 + exp(0)) = 0.5, 1 / (1 + exp(-0.3)) = 0.57444
    weights = network.mixing_weights().tolist()
    assert weights[3] == 0.5
    assert [weights[0], weights[6]] == pytest.approx([0.42556, 0.57444], abs=1e-5)
    released = FusionNetwork(dataclasses.replace(small, alpha_squared=True, initial_beta=4.6))
    # slope 0.01: 1 / (1 + exp(0.036)) = 0.49100, 1 / (1 + exp(-0.024)) = 0.50600
    weights = released.mixing_weights().tolist()
    assert [weights[0], weights[6]] == pytest.approx([0.49100, 0.50600], abs=1e-5)


def test_mix_input_scales_the_first_fusion_input():
    network = make(strategy="trainable", mix_input=True, initial_alpha=1.0, initial_beta=0.0)
    plain = copy_shared(network, make(seed=9, initial_alpha=1.0, initial_beta=0.0))
    image, maps = inputs()
    assert not torch.allclose(network(image, maps), plain(image, maps))
    # w_0 = sigmoid(0) = 0.5: halving the first weights of the plain network's fusion stream does the same.
    with torch.no_grad():
        plain.fusion_stream.layer(1).op.weight.mul_(0.5)
    torch.testing.assert_close(network(image, maps), plain(image, maps))


def test_gradients_reach_alpha_and_beta():
    network = make()
    network(*inputs()).square().sum().backward()
    assert abs(network.alpha.grad.item()) > 0
    assert abs(network.beta.grad.item()) > 0


def test_loss_is_eq_4():
    network = make()
    prediction = torch.zeros(2, 17, 3)
    target = torch.zeros(2, 17, 3)
    target[0, 1] = torch.tensor([3.0, 4.0, 0.0])
    target[1, 2, 2] = 2.0
    # 0.5 * (25 + 4) / 2 = 7.25; 5000 / 0.1**2 = 5e5
    assert fusion_loss(prediction, target, network).item() == pytest.approx(500_007.25)
    assert fusion_loss(prediction, target, make(strategy="early")).item() == 7.25
    weights = torch.ones(17)
    weights[1] = 0.0
    assert fusion_loss(prediction, target, network, weights, sharpness=0.0).item() == 1.0
    mask = torch.ones(2, 17)
    mask[1] = 0.0
    assert fusion_loss(prediction, target, network, mask, sharpness=0.0).item() == 6.25
    far = fusion_loss(1e3 * prediction, 1e3 * target, network, sharpness=0.0, squared=False).item()
    lengths = (1e3 * (prediction - target)).norm(dim=-1)
    assert far == pytest.approx(100 * (lengths**2 + 20**2).sqrt().sum(1).mean().item()), "a distance, where it is long"
    with pytest.raises(ValueError, match=r"\(2, 16, 3\)"):
        fusion_loss(prediction, target[:, 1:], network)
    with pytest.raises(ValueError, match=r"got \(3,\)"):
        fusion_loss(prediction, target, network, torch.ones(3))


def test_training_on_the_penalty_alone_raises_alpha():
    network = make()
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(50):
        optimiser.zero_grad()
        network.fusion_penalty().backward()
        optimiser.step()
    assert network.alpha.item() > 0.3


@pytest.mark.parametrize(("start", "middle"), [(1.9, 1.5), (2.1, 2.5)])
def test_centring_draws_beta_to_the_middle_between_the_layers_that_it_lies_between(start, middle):
    network = make(initial_beta=start)
    plain = network.fusion_penalty(3.0).item()
    assert network.fusion_penalty(3.0, centring=2.0).item() == pytest.approx(plain + 6 * (start - middle) ** 2)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(100):
        optimiser.zero_grad()
        network.fusion_penalty(1.0, centring=1.0).backward()
        optimiser.step()
    assert network.beta.item() == pytest.approx(middle, abs=0.05)


def test_harden_fixes_the_weights_and_leaves_the_rest_trainable():
    network = make(initial_beta=1.4).train()
    assert not network.is_sharp()
    assert network.harden() == 1
    assert network.mixing_weights().tolist() == [0.0, 1.0, 1.0]
    assert network.is_sharp(0.0)
    assert network.fusion_penalty().item() == 0
    target = torch.zeros(3, 17, 3)
    fusion_loss(network(*inputs()), target, network).backward()
    assert network.alpha.grad is None
    assert network.output.weight.grad.abs().sum() > 0
    restored = make(seed=9)
    restored.load_state_dict(network.state_dict())
    assert torch.equal(restored.mixing_weights(), network.mixing_weights())


def test_features_stand_for_pixels_and_readings_for_those_of_the_maps_themselves():
    network = make(photo_features=5, map_readings=True).eval()
    side = network.config.input_size
    features, maps = torch.randn(2, 5, side, side), torch.rand(2, 16, side, side)
    with pytest.raises(ValueError, match=rf"image must be \(N, 5, {side}, {side}\), got \(2, 3, {side}, {side}\)"):
        network(torch.rand(2, 3, side, side), maps)
    with pytest.raises(ValueError, match="readings must be those of the full maps"):
        network(features, maps)
    readings = read_maps(maps)
    pose = network(features, maps, readings)
    assert not torch.allclose(network(features, maps, readings + 1), pose, atol=1e-3)
    assert not torch.allclose(network(features + 1, maps, readings), pose, atol=1e-3)
    of_maps = make(map_readings=True).eval()
    image = torch.rand(2, 3, side, side)
    torch.testing.assert_close(of_maps(image, maps), of_maps(image, maps, readings))


@pytest.mark.parametrize("beta", [-3.0, 1.4, 40.0])
@pytest.mark.parametrize("map_readings", [False, True])
def test_a_hardened_network_trains_as_if_all_layers_were_computed(beta, map_readings):
    """Layers of weight 0 are left out while training; outputs and gradients of the others are the same."""
    network = make(initial_beta=beta, map_readings=map_readings).train()
    network.harden()

    def trained():
        network.zero_grad()
        output = network(*inputs())
        output.square().mean().backward()
        return output, {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}

    output, gradients = trained()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FusionNetwork, "_merged", lambda self, *inputs_and_b: self._mixed(*inputs_and_b[:-1]))
        whole, all_gradients = trained()
    torch.testing.assert_close(output, whole)
    left_out = set(all_gradients) - set(gradients)
    assert left_out
    assert not any(all_gradients[name].any() for name in left_out)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, all_gradients[name])


@pytest.mark.parametrize(("beta", "b"), [(-3.0, 0), (0.0, 0), (1.0, 1), (1.2, 1), (2.9, 2), (3.0, 3), (40.0, 3)])
def test_merging_layer_is_the_floor_of_beta(beta, b):
    assert make(initial_beta=beta).merging_layer == b


@pytest.mark.parametrize(
    ("weights", "b"),
    [
        ([0.2, 0.6, 0.9], 1),
        ([0.6, 0.1, 0.8], 2),  # distances from b = 0..3: 1.5, 1.7, 0.9, 1.5
        ([0.75, 0.25, 1.0], 2),  # 1, 1.5, 1, 2: the later of two equally near
        ([0.0, 0.0, 0.0], 3),
    ],
)
def test_free_weights_harden_to_the_nearest_step(weights, b):
    assert with_weights(make(strategy="free"), weights).harden() == b


def test_free_weights_stay_in_range_and_come_back():
    network = with_weights(make(strategy="free"), [1.5, -0.5, 0.5])
    assert network.mixing_weights().tolist() == [1.0, 0.0, 0.5]
    (network.mixing_weights() * torch.tensor([1.0, -1.0, 1.0])).sum().backward()
    # A descent step would lead inwards, so the gradients pass.
    assert network.free_weights.grad.tolist() == [1.0, -1.0, 1.0]
    network.free_weights.grad = None
    (network.mixing_weights() * torch.tensor([-1.0, 1.0, 1.0])).sum().backward()
    assert network.free_weights.grad.tolist() == [0.0, 0.0, 1.0]


def test_free_and_trainable_start_alike():
    torch.testing.assert_close(make(strategy="free").mixing_weights(), make().mixing_weights())


def test_the_output_unit_changes_the_scale_of_learning_not_the_start():
    torch.testing.assert_close(make(output_unit_mm=100.0)(*inputs()), make()(*inputs()))
    large, small = make(output_unit_mm=100.0), make()
    with torch.no_grad():
        large.output.bias.fill_(1.0)
        small.output.bias.fill_(100.0)
    torch.testing.assert_close(large(*inputs()), small(*inputs()))


def test_starting_weights_follow_the_released_code():
    layers = (LayerConfig("conv", 16, kernel=5), LayerConfig("fc", 64, dropout=0.5), LayerConfig("fc", 64))
    torch.manual_seed(0)
    network = FusionNetwork(dataclasses.replace(TINY, layers=layers, input_size=12))
    first, second, third = (network.map_stream.layer(number).op for number in (1, 2, 3))
    assert first.weight.std().item() == pytest.approx((2 / (16 * 25)) ** 0.5, rel=0.05)
    assert second.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert third.weight.abs().max().item() == pytest.approx((6 / 64) ** 0.5, rel=0.01)
    assert all(layer.bias.abs().max() == 0 for layer in (first, second, third, network.output))


@pytest.mark.parametrize(
    ("image", "maps", "message"),
    [
        ((2, 3, 30, 32), (2, 16, 32, 32), r"image must be \(N, 3, 32, 32\), got \(2, 3, 30, 32\)"),
        ((2, 3, 32, 32), (2, 17, 32, 32), r"maps must be \(N, 16, 32, 32\), got \(2, 17, 32, 32\)"),
        ((3, 32, 32), (16, 32, 32), r"got \(3, 32, 32\)"),
        ((2, 3, 32, 32), (1, 16, 32, 32), "same N, got 2 and 1"),
    ],
)
def test_other_shapes_are_refused(image, maps, message):
    with pytest.raises(ValueError, match=message):
        make()(torch.zeros(image), torch.zeros(maps))


def test_too_small_an_input_is_refused():
    with pytest.raises(ValueError, match="layer 2 leaves nothing"):
        make(input_size=5)
