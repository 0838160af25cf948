"""Losses, draws, measures and sheets are as before, by numbers; who means to change one edits as_before.json."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fusion_model.config import CropConfig, DetectorConfig, HourglassConfig
from fusion_model.detection.network import PersonDetector
from fusion_model.fusion import FusionNetwork
from fusion_model.heatmaps import encode, to_map_coordinates
from fusion_model.hourglass import StackedHourglass
from tests.helpers.fake_data import make_people, write_pack
from tests.helpers.scene_files import made_scenes
from train import detector, hourglass_stage, losses
from train.data.augment import plain_crops, transform
from train.detector_stage.composites import Composite, CompositeMaker
from train.detector_stage.scene_samples import SceneSampler
from train.engine.checkpoints import write_best
from train.engine.seeds import RowNoise
from train.fusion_stage import pose_figures, samples, training
from train.settings import DetectorTrainConfig, FusionTrainConfig, HourglassTrainConfig

EXPECTED = json.loads(Path(__file__).with_name("as_before.json").read_text())


def waves(*shape, speed=1.7):
    """Numbers from -1 to 1 that repeat nowhere."""
    return torch.sin(speed * torch.arange(torch.Size(shape).numel())).reshape(shape)


def numbers(values):
    """Of what JSON does not take: shape, mean, mean square, and a sum in which every place counts differently."""
    values = torch.as_tensor(values).double()
    sums = values.mean(), values.square().mean().sqrt(), (values * waves(*values.shape)).sum() / values.numel() ** 0.5
    return [*values.shape, *(one.item() for one in sums)]


def lost(_place):
    boxes = torch.tensor([[[3.0, 2, 19, 118], [20, 9, 110, 24]], [[10, 90, 34, 160], [0, 0, 0, 0]]])
    axes = torch.tensor([[[-0.8, 0.6], [0, 0]], [[0.0, -1], [0, 0]]])
    there, trust = torch.tensor([[True, True], [True, False]]), torch.cos(torch.arange(512)).square().reshape(2, 16, 16)
    maps, weight = waves(3, 4, 5, 5).abs(), waves(3, 4).abs()
    spread, poses, target = 50 + waves(3, 4, 2), waves(3, 4, 3), waves(3, 4, 3, speed=2)
    return {
        "detector": losses.detector_loss(2 * waves(2, 7, 16, 16), boxes, axes, there, trust),
        "giou": losses.generalised_iou(boxes[0], torch.tensor([[3.0, 2, 20, 90], [0, 30, 10, 40]])),
        "maps": losses.heatmap_loss([waves(3, 4, 5, 5), 2 * maps], maps, weight),
        "spread": losses.spread_loss(spread, 40 * poses, 40 * target, weight),
    }


def scenes(_place):
    people = [(20, 10, 50, 90), (60, 40, 80, 99), (200, 3, 212, 30)]
    made = made_scenes(people, [], people, source=["stanford40", "sun", "coco"], shape=(120, 260))
    made.unsure[0][1], made.validation[2] = True, True
    sampler = SceneSampler(made, 128)
    return {"nobody": sampler.nobody, **drawn(sampler.make)}


def drawn(make):
    made = [make(np.random.default_rng(seed)) for seed in range(80)]
    boxes, axes = (np.concatenate([getattr(one, name) for one in made]) for name in ("boxes", "axes"))
    images = [part.mean() for one in made for part in np.split(one.image, 4, 1)]
    return {"boxes": boxes, "axes": axes, "images": images, "trust": np.stack([one.trust for one in made])}


def composites(_place):
    """Of two sets: one is too small, one is hardly labelled, one cut at the knees, of one the head is unknown."""
    people = dataclasses.replace(make_people(8), names=("a", "b"))
    people.source[5:], people.box[4, 2:], people.box[2, 3], people.weight[6, 9] = 1, people.box[4, :2] + 30, 80, 0
    people.weight[0, :8], people.extent[:, 0], people.photos[:, 2] = 0, 20.5, 200
    people.photos[:, 0], people.photos[:, 1] = torch.arange(128), torch.arange(128)[:, None]
    maker = CompositeMaker(people, 128)
    pasted, whole = (drawn(lambda generator, fraction=fraction: maker.make(generator, fraction)) for fraction in (0, 1))
    return {"rows": maker.rows.tolist(), "chance": maker.chance, "pasted": pasted, "whole": whole}


def detectors(place):
    hourglass, small = StackedHourglass(HourglassConfig(1, 16, 64)), DetectorConfig(16, (0, 1, 2, 1), 8, 64)
    write_best(place, hourglass, {})
    network = PersonDetector(small).eval()
    words = detector._start_backbone(network, place)
    maker = SimpleNamespace(make=lambda generator, *whole: sum(whole, generator.random() + 3 * len(whole)))
    settings = DetectorTrainConfig(seed=5, scene_fraction=0.8), DetectorTrainConfig()
    batches = [detector._batches(one, maker, sampler) for one in settings for sampler in (maker, None)]
    steps = np.array([one(step, slice(5, 25)) for one in batches for step in (3, 4, 3)])
    colours = detector.recolour(waves(200, 3, 8, 8).abs(), RowNoise(torch.arange(200)))
    pictures = [[waves(*one).numpy() for one in ((8, 8, 3), (n, 4), (n, 2), (1, 1))] for n in (0, 3, 1)]
    stacked = [detector.stack([Composite(*one) for one in some]) for some in (pictures, pictures[:1])]
    shape = list(stacked.pop()[1].shape)
    return [words[-11:], network(waves(2, 3, 64, 64)), steps, colours, stacked, shape]


def hourglasses(place):
    """PCK and sheet of maps that know the joints of the first people, and what a first step is to learn."""
    write_pack(place / "data", "made", 8, held_out=2)
    people, shown = make_people(70), []
    points = transform(people.joints, plain_crops(people, 64, 1.25)[1])

    def knowing(images):
        shown.append(len(images))
        maps = encode(to_map_coordinates(points[sum(shown[:-1]) : sum(shown)]), (16, 16), 1.25)
        return [torch.zeros_like(maps), maps]

    sheet = hourglass_stage.map_sheet(knowing, people.take(torch.arange(5)), 64, 1.25)
    shown[:] = []
    others = dataclasses.replace(people, names=("one", "nobody", "other"), joints=people.joints.clone())
    others.source[67:], others.joints[67, [10, 15]], others.joints[68, 9], others.weight[69, 2] = 2, 999, 999, 0.8
    others.joints[68, [0, 1]], others.weight[68, 0], others.weight[68, 1] = 999, 0.8, 0
    lost = []
    for augment in ("wide", "narrow"):
        settings = HourglassTrainConfig(preset="tiny", batch=32, input_size=128, log="csv", augment=augment)
        loop = hourglass_stage.make_loop(settings, place / "data", place / augment)
        lost.append(loop.loss(lambda images: [torch.zeros(len(images), 16, 32, 32)], 0, torch.Generator())[0])
    pck = hourglass_stage.maps_pck(knowing, others, 64, 1.25)
    return {"pck": pck, "sheet": sheet, "lost": lost, "size": loop.fingerprint["input_size"]}


def poses(_place):
    one, other = np.random.default_rng(0).normal(0, 300, (2, 60, 17, 3))
    weight = waves(60, 17).abs().numpy()
    weight[:, 3] = 0
    measures = (
        pose_figures.pose_figures(one, other),
        *(pose_figures.crossing_order(one[:n], other[:n]) for n in (0, 60)),
    )
    panels = pose_figures.pose_panels(one[:2], other[:2])
    return [*measures, pose_figures.known({"a": np.nan, "b": 0.0}), pose_figures.mean_pose(other, weight), panels]


def samples_of(count, speed):
    maps, pose = 2 * waves(count, 16, 32, 32, speed=speed).abs(), 300 * waves(count, 17, 3, speed=speed)
    columns = *samples.stored_inputs(waves(count, 3, 32, 32).abs(), maps, torch.zeros(count, 64)), pose
    return samples.FusionSamples(*columns, waves(count, 17).clamp_min(0), torch.arange(count) % 3 // 2)


def crops(_place):
    people, hourglass = make_people(70, dot=3), StackedHourglass(HourglassConfig(2, 16, 64)).eval()
    people.pose_weight[5], people.source[:] = 0, torch.arange(70)
    wide, narrow = (samples.SampleSettings(64, 1.25, 16, crops=2, augment=name) for name in ("wide", "narrow"))
    many = [samples.build_samples(people, hourglass, one, torch.Generator(), progress=False) for one in (wide, narrow)]
    many += [samples.build_samples(people, hourglass, wide, progress=False)]
    kept = samples_of(9, 1.7)
    features = dataclasses.replace(kept, images=waves(9, 8, 6, 6).half())
    of = torch.tensor([7, 2, 2, 8]), RowNoise(torch.arange(4))
    batches = [list(filter(torch.is_tensor, vars(samples.random_rows(one, *of)).values())) for one in (kept, features)]
    return [[one.pose, one.weight, one.source, one.images.float()] for one in many], batches


def fusions(place):
    words = {"loss": "distance", "skeleton": "lsp_14", "log": "csv", "preset": "tiny", "augment": "narrow"}
    more = {"steps": 100, "soft_fraction": 0.5, "sharpening": 9.0, "centring": 9.0, "seed": 2, "crops": 5}
    settings = FusionTrainConfig(**words, **more, batch=6, action="x", input_size=128)
    config = training.fusion_config(settings, place)
    config = dataclasses.replace(config, fusion=dataclasses.replace(config.fusion, spreads=True))
    network = FusionNetwork(config.fusion)
    network.output.weight.data *= 500 / config.fusion.output_unit_mm
    run = training.Trainer(config, StackedHourglass(config.hourglass), network, settings, place)
    run.take_data(samples.FusionData(samples_of(20, 1.7), samples_of(9, 1.71), ("made", "synthetic")))
    module, averaged = run.loop.module.eval(), run.loop.averaged.module
    for parameter in module.parameters():
        parameter.data *= 1.1
    found = [run.loss(module, 25, torch.Generator()), run.validate(module), run.validate(averaged.train())]
    run.loop.best = 5.0
    found += [run.loss(module, 50, torch.Generator()), run.loop.best, module.is_soft, averaged.is_soft]
    found += [run.validate(averaged), (place / "mixing.csv").read_text().count("\n")]
    found += [json.loads((place / "hardening.json").read_text()), run.mean]
    found += [training.predict(module, run.held_out, batch) for batch in (4, 256)]
    crop = training.sample_settings(dataclasses.replace(config, crop=CropConfig(margin=1.4)), settings)
    return found, dataclasses.asdict(crop), [settings.sharpness_at(step) for step in (0, 25, 50, 90)]


def flat(value):
    """All numbers and words of nested lists and tables, in their order."""
    parts = value.items() if isinstance(value, dict) else value if isinstance(value, list | tuple) else None
    return [value] if parts is None else [one for part in parts for one in flat(part)]


@pytest.mark.parametrize("case", [lost, scenes, composites, detectors, hourglasses, poses, crops, fusions])
def test_it_gives_what_it_gave(case, tmp_path):
    torch.manual_seed(0)
    found = flat(json.loads(json.dumps(case(tmp_path), default=numbers)))
    for one, before in zip(found, flat(EXPECTED[case.__name__]), strict=True):
        assert one == (pytest.approx(before, rel=2e-3, abs=1e-3) if isinstance(before, float) else before), found
