"""What ``train.analyse`` computes and draws: known cases, and a tiny run from end to end."""

import dataclasses

import cv2
import numpy as np
import pytest
import torch

from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.presets import PRESETS
from fusion_model.pruning import prune
from tests.helpers.fake_data import write_pack
from train.analysis.figure5 import NothingToShowError, read_mixing
from train.analysis.figure7 import BETWEEN, BY_CHANCE, WITHIN_IMAGE, squared_correlations, stream_correlations
from train.analysis.sheets import sheet
from train.data.sources import find_sources
from train.engine.checkpoints import write_best
from train.engine.logs import read_rows
from train.evaluation.three_d import held_out
from train.fusion_stage.training import MixingLog

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
    """A run and a folder of eight people, four of them for validation."""
    folder = tmp_path_factory.mktemp("analyse")
    write_pack(folder / "data", "made", 8, held_out=4)
    write_run(folder / "run")
    return folder


def test_streams_that_compute_the_same_are_fully_correlated():
    module = network(map_joints=3)  # so both streams read three channels
    module.map_stream.load_state_dict(module.image_stream.state_dict())
    side = module.config.input_size
    image = torch.rand(5, 3, side, side, generator=torch.Generator().manual_seed(1))
    squared = stream_correlations(module, image, image).squared
    same, other = np.diagonal(squared[BETWEEN]), ~np.eye(len(squared[BETWEEN]), dtype=bool)
    assert np.isfinite(same).any()
    np.testing.assert_allclose(same[np.isfinite(same)], 1, atol=1e-9)
    np.testing.assert_allclose(squared[BETWEEN][other], squared[WITHIN_IMAGE][other], atol=1e-9)
    assert np.isnan(np.diagonal(squared[WITHIN_IMAGE])).all(), "a channel is not counted against itself"
    assert np.nanmax(np.diagonal(squared[BY_CHANCE])) < 0.9, "the maps are those of other images"
    even = stream_correlations(module, *[image.mean((2, 3), keepdim=True).expand_as(image)] * 2).squared
    assert np.nanmin(np.diagonal(even[BY_CHANCE])) < 0.9, "of other images, not of other places"
    assert np.nanmax(np.diagonal(stream_correlations(module, image, torch.rand_like(image)).squared[BETWEEN])) < 0.9
    still = np.column_stack((np.full(1000, 0.1) + 1e8, np.arange(1000.0)))
    np.testing.assert_allclose(squared_correlations(still), [[np.nan, np.nan], [np.nan, 1]])
    with pytest.raises(NothingToShowError, match="strategy 'early' does not have layer"):
        stream_correlations(network("early"), image, image)


def test_the_table_holds_the_weights_of_every_fiftieth_step(tmp_path):
    module = write_run(tmp_path / "run")
    mixing = read_mixing(tmp_path / "run")
    assert mixing.steps.tolist() == [0, 50, 100, 120, 120, 150]
    assert mixing.hardened == f"hardened at iteration 120: merging layer {module.merging_layer}"
    np.testing.assert_allclose(mixing.alpha[:3], [0.1, 0.6, 1.1], rtol=1e-5)
    soft = 1 / (1 + np.exp(-mixing.alpha[:4, None] * (np.arange(1, 4) - mixing.beta[:4, None])))  # before hardening
    np.testing.assert_allclose(mixing.weights[:4], soft, atol=1e-5)
    assert set(np.unique(mixing.weights[4:])) == {0.0, 1.0}
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


def test_all_parts_are_made_and_can_be_opened(place, printed):
    out = place / "all"
    shown = printed("analyse", place / "run", "--data", place / "data", "--out", out, "--images", 2)
    assert "## Correlation of the two streams (Figure 7)" in shown
    report = (out / "report.md").read_text()
    for name in ("figure5.png", "figure7.png", "sheet_photos.png"):
        picture = cv2.imread(str(out / name))
        assert (min(picture.shape[:2]) > 300, picture.std() > 10, f"({name})" in report) == (True, True, True), name
    for words in ("hardened at iteration 120", "photos of people"):
        assert words in report, words
    for text in (shown, report):
        assert "photo of another" in text
        assert "| photos, MPJPE, mm (n 2) |" in text


def test_sheets_show_people_from_good_to_bad_and_photos_where_they_may(place):
    estimator = PoseEstimator.from_pretrained(place / "run" / "checkpoint")
    people = [one for parity in (0, 1) for one in held_out(find_sources(place / "data"), parity)["photos"]]
    shown, hidden = (sheet(estimator, people, 3, photos=photos) for photos in (True, False))
    assert shown.shape == (hidden.shape[0] + 192, 3 * 192, 3), "a row of crops more"
    assert shown[:192].std() > 10
    alike = (hidden[192:384] == shown[384:576]).all(-1)
    assert 1 - alike.mean() > 0.01, "skeletons lie on photos there, on black here"
    assert (hidden[192:384] == 0).all(-1).mean() > 0.5


def test_what_is_missing_is_one_sentence(place, refused, tmp_path):
    data = ("--data", place / "data", "--out", tmp_path / "out")
    assert refused("analyse", tmp_path / "none", *data) == (
        f"python -m train.analyse: {tmp_path}/none not found: expected the folder of a run of train.fusion, with its "
        "mixing.csv"
    )
    (tmp_path / "run").mkdir()
    assert "the run is not finished" in refused("analyse", tmp_path / "run", *data)
    assert "figure7, inputs, sheets need --data" in refused("analyse", place / "run")
    checkpoint = place / "run" / "checkpoint"
    assert f"{checkpoint} is a checkpoint: expected" in refused("analyse", checkpoint, "--only", "figure5")
    assert not (checkpoint / "analysis").exists()
