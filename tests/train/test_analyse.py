"""What ``train.analyse`` computes and draws: known cases, and a tiny run from end to end."""

import dataclasses
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from fusion_model.crops import crop_of_box
from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.presets import PRESETS
from fusion_model.pruning import prune
from fusion_model.skeletons import HUMAN36M_17, MPII_16
from tests.helpers.earlier import assert_as_before
from tests.helpers.fake_data import figure, write_pack
from train.analysis import figure7, sheets
from train.analysis.figure5 import NothingToShowError, mixing_figure, mixing_text, read_mixing
from train.analysis.figure7 import BETWEEN, WITHIN_IMAGE, WITHIN_MAPS, stream_correlations
from train.analysis.sheets import sheet
from train.data.sources import find_people, find_sources
from train.engine.checkpoints import read_weights, write_best
from train.engine.logs import read_rows
from train.evaluation.three_d import OURS, held_out
from train.fusion_stage.pose_figures import LIMBS
from train.fusion_stage.samples import SampleSettings, build_samples
from train.fusion_stage.training import MixingLog, load_hourglass

TINY = PRESETS["tiny"]


def network(strategy="trainable", **settings):
    torch.manual_seed(0)
    return FusionNetwork(dataclasses.replace(TINY.fusion, strategy=strategy, **settings)).eval()


def write_run(folder, strategy="trainable", **settings):
    """A finished run as train.fusion leaves it, without the training; alpha and beta rise until step 120 of 200."""
    module = network(strategy, **settings)
    log = MixingLog(folder, 0)
    folder.mkdir()
    for step in range(200):
        if step < 120 and strategy == "trainable":
            module.alpha.data.fill_(0.1 + step / 100), module.beta.data.fill_(2 + step / 300)
        if step == 120:
            log.record(step, module, always=True)
            module.harden() if strategy not in ("image-only", "maps-only") else None
            log.record(step, module, always=True)
        log.record(step, module)
    write_best(folder, module, {"step": 200})
    released = module if module.config.single_stream else prune(module)
    config = dataclasses.replace(TINY, fusion=released.config)
    PoseEstimator(config, StackedHourglass(TINY.hourglass).eval(), released).save_pretrained(folder / "checkpoint")
    return module


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run and a folder of eight people, four of them for validation, and four rendered ones."""
    folder = tmp_path_factory.mktemp("analyse")
    write_pack(folder / "data", "made", 8, held_out=4)
    write_pack(folder / "data", "synthetic", 4, held_out=4)
    write_run(folder / "run")
    return folder


def drawn(figure):
    """What each axis of a figure shows."""
    axes = [(axis, axis.get_legend()) for axis in figure.axes]
    return [
        [
            axis.get_ylabel(),
            [(image.get_array().filled(-1), image.get_clim()) for image in axis.images],
            [(line.get_label(), line.get_xdata(), line.get_ydata()) for line in axis.lines],
            [text.get_text() for text in legend.get_texts()] if legend else [],
        ]
        for axis, legend in axes
    ]


def test_streams_that_compute_the_same_are_fully_correlated():
    module = network(map_joints=3)  # so both streams read three channels
    module.map_stream.load_state_dict(module.image_stream.state_dict())
    side = module.config.input_size
    image = torch.rand(5, 3, side, side, generator=torch.Generator().manual_seed(1))
    found = stream_correlations(module, image, image)
    squared = found.squared
    same, other = np.diagonal(squared[BETWEEN]), ~np.eye(len(squared[BETWEEN]), dtype=bool)
    assert np.isfinite(same).any()
    np.testing.assert_allclose(same[np.isfinite(same)], 1, atol=1e-9)
    np.testing.assert_allclose(squared[BETWEEN][other], squared[WITHIN_IMAGE][other], atol=1e-9)
    live = int(np.isfinite(squared[BETWEEN]).any(1).argmax())
    for parameter in module.image_stream.layer(found.layer).parameters():
        parameter.data[live] = 0
    maps = torch.rand(5, 3, side, side, generator=torch.Generator().manual_seed(2)) ** 2
    assert_as_before("correlations", stream_correlations(module, image, maps), near=1e-3, file="data.json")
    still = np.column_stack((np.full(1000, 0.1) + 1e8, np.arange(1000.0)))
    np.testing.assert_allclose(figure7.squared_correlations(still), [[np.nan, np.nan], [np.nan, 1]])
    with pytest.raises(NothingToShowError, match="strategy 'early' does not have layer"):
        stream_correlations(network("early"), image, image)


def test_figure_7_by_hand():
    squared = dict.fromkeys((BETWEEN, figure7.BY_CHANCE, WITHIN_IMAGE, WITHIN_MAPS), np.full((2, 2), 0.001))
    squared[BETWEEN] = np.array([[0.04, 0.15], [np.nan, 0.01]])
    found = figure7.Correlations(3, 5, 7, squared)
    about = "layer 3, the last convolution, of the run's unpruned network, over 5 validation images and all positions"
    for words in (f"{about} (35 samples, 2 channels a stream)", f"| {BETWEEN}, mean | 0.0667 |"):
        assert words in found.text
    assert_as_before("figure 7", drawn(figure7.correlation_figure(found)), file="data.json")


def test_figure_7_is_of_the_best_network_on_held_out_people(place):
    run, checkpoint, data, module = place / "run", place / "run" / "checkpoint", place / "data", network()
    module.load_state_dict(read_weights(run))
    settings = (load_hourglass(TINY, checkpoint), SampleSettings.of(TINY))
    image, maps, _ = build_samples(find_people(data, validation=True), *settings).inputs(torch.arange(8))
    every, *two = (figure7.run_correlations(run, checkpoint, data, *how) for how in ((9, 0), (2, 0), (2, 1)))
    np.testing.assert_allclose(every.squared[BETWEEN], stream_correlations(module, image, maps).squared[BETWEEN])
    assert [one.images for one in (every, *two)] == [8, 2, 2]
    assert not np.array_equal(two[0].squared[BETWEEN], two[1].squared[BETWEEN], equal_nan=True), "the seed chooses"


def test_the_table_holds_the_weights_of_every_fiftieth_step(tmp_path):
    module = write_run(tmp_path / "run")
    mixing = read_mixing(tmp_path / "run")
    assert mixing.steps.tolist() == [0, 50, 100, 120, 120, 150]
    assert mixing.hardened == f"hardened at iteration 120: merging layer {module.merging_layer}"
    words = mixing_text(mixing).splitlines()
    assert_as_before("weights of every fiftieth step", [mixing, words], near=1e-3, file="data.json")
    assert words[1].startswith("Until then: alpha = 1.290, beta = 2.397, w = ")
    assert mixing_text(dataclasses.replace(mixing, soft=6)).startswith("At the end: alpha = 1.290, ")
    assert_as_before("figure 5", drawn(mixing_figure(mixing)), file="data.json")
    module = write_run(tmp_path / "free", "free")
    mixing = read_mixing(tmp_path / "free")
    assert np.isnan(mixing.alpha).all(), "free weights have neither alpha nor beta"
    assert mixing.hardened.endswith(f"layer {module.merging_layer}")


def test_a_resumed_run_takes_rows_again(tmp_path):
    module, log, path = network(), MixingLog(tmp_path, 0), tmp_path / "mixing.csv"
    for step in (0, 50, 100):
        log.record(step, module)
    path.write_bytes(path.read_bytes() + b"150,0.1,2")  # cut while it was written
    MixingLog(tmp_path, 100).record(100, module)
    assert [row["step"] for row in read_rows(path)] == ["0", "50", "100"]


@pytest.mark.slow
def test_all_parts_are_made_and_can_be_opened(place, printed):
    out, few = place / "all", ("--images", 2, "--people", 1, "--without-photos")
    shown = printed("analyse", place / "run", "--data", place / "data", "--out", out, *few)
    assert "## Correlation of the two streams (Figure 7)" in shown
    report = (out / "report.md").read_text()
    estimator, sources = PoseEstimator.from_pretrained(place / "run" / "checkpoint"), find_sources(place / "data")
    for name in ("figure5", "figure7", "sheet_photos", "sheet_rendered"):
        picture = cv2.imread(str(out / f"{name}.png"))
        assert (picture.std() > 10, f"({name}.png)" in report) == (True, True), name
        if members := held_out(sources, 1).get(name.removeprefix("sheet_")):
            made = sheet(estimator, members, 1, photos=name == "sheet_rendered")
            np.testing.assert_array_equal(picture[..., ::-1], made)
    assert read_rows(out / "figure5.csv") == read_rows(place / "run" / "mixing.csv")
    for words, there in (("hardened at iteration 120", True), ("it is for this folder alone", False)):  # without photos
        assert (words in report) is there
    for text in (shown, report):
        assert "over 2 validation images" in text
        assert "photo of another" in text
        assert "| photos, MPJPE, mm (n 2) |" in text


def test_sheets_show_people_from_good_to_bad_and_photos_where_they_may(monkeypatch):
    """Five people whose limb joints are this far off; of each, the left forearm is seen."""
    truth = np.tile(np.column_stack((figure(HUMAN36M_17, (0, -200), 800), np.zeros(17))), (5, 1, 1))
    found, crop = truth.copy(), crop_of_box(np.array([0, 0, 40, 40]), 64, 1.0)
    found[:, LIMBS, 0] += np.array([500, 100, 300, 200, 400])[:, None]
    maps, points = torch.full((16, 16, 16), 0.05), np.full((16, 2), 32.0)
    for joint, x in (("left_elbow", 4), ("left_wrist", 12)):
        maps[MPII_16.index(joint), 9, x], points[MPII_16.index(joint)] = 1, (4 * x, 36)
    about = {"maps": maps, "points": crop.to_photo(points), "crop": crop}
    shown = [SimpleNamespace(image=torch.full((3, 64, 64), number / 10), **about) for number in range(5)]
    monkeypatch.setattr(sheets, "predictions", lambda _, members: [[shown[one] for one in members]])
    monkeypatch.setattr(sheets, "find", lambda _, of: SimpleNamespace(poses={OURS: found[of]}, truth=truth[of]))
    whole, hidden = (sheet(None, [0, 1, 2, 3, 4], 3, photos=photos) for photos in (True, False))
    np.testing.assert_array_equal(whole, np.hstack([sheet(None, [one], 1, photos=True) for one in (1, 2, 0)]))
    assert sheet(None, [0, 1, 2, 3, 4], 9, photos=True).shape[1] == 5 * 192, "nobody twice"
    assert_as_before("sheets", [whole, hidden], near=1e-2, file="data.json")
    assert (hidden.shape, (hidden[192:384] == 0).mean() > 0.9) == ((len(whole) - 192, 3 * 192, 3), True), "on black"


def test_what_is_missing_is_one_sentence(place, refused, ends, tmp_path):
    data = ("--data", place / "data", "--out", tmp_path / "out")
    assert refused("analyse", tmp_path / "none", *data) == (
        f"python -m train.analyse: {tmp_path}/none not found: expected the folder of a run of train.fusion, with its "
        "mixing.csv"
    )
    write_run(tmp_path / "lsp", skeleton="lsp_14")
    (tmp_path / "run").mkdir()
    joints, weights = "the network puts out lsp_14, and human36m_17 is measured", "the run kept no weights over time"
    for run, why, *only in (("lsp", joints, *data, "--only", "inputs"), ("run", weights, "--only", "figure5")):
        status, shown, _ = ends("analyse", tmp_path / run, *only)
        assert (status, f"Left out: {why}" in shown) == (1, True)
    assert weights in (tmp_path / "run" / "analysis" / "report.md").read_text()
    assert "the run is not finished" in refused("analyse", tmp_path / "run", *data)
    assert "figure7, inputs, sheets need --data" in refused("analyse", place / "run")
    checkpoint = place / "run" / "checkpoint"
    assert f"{checkpoint} is a checkpoint: expected" in refused("analyse", checkpoint, "--only", "figure5")
    assert not (checkpoint / "analysis").exists()
