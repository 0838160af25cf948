"""What ``train.analyse`` computes and draws: known cases, and a tiny run from end to end."""

import dataclasses
import json
import shutil

import cv2
import numpy as np
import pytest
import torch
from train.analysis.features import squared_correlations, stream_correlations
from train.analysis.mixing import read_mixing
from train.analysis.runtime import is_busy

from fusion_model.estimator import PoseEstimator
from fusion_model.fusion import FusionNetwork
from fusion_model.hourglass import StackedHourglass
from fusion_model.presets import PRESETS
from fusion_model.pruning import prune
from fusion_model.skeletons import MPII_16
from tests.helpers.csv_files import read_rows
from tests.helpers.fake_data import write_pack
from train.analysis.run import NothingToShowError
from train.engine.checkpoints import write_best
from train.fusion_stage.mixing_log import EVERY, MixingLog
from train.fusion_stage.pose_figures import pose_figures

TINY = PRESETS["tiny"]


def network(strategy="trainable", **settings):
    torch.manual_seed(0)
    return FusionNetwork(dataclasses.replace(TINY.fusion, strategy=strategy, **settings)).eval()


def set_mixing(module, alpha, beta):
    with torch.no_grad():
        module.alpha.fill_(alpha)
        module.beta.fill_(beta)


def write_run(folder, strategy="trainable", **settings):
    """A finished run as train.fusion leaves it, without the training; alpha and beta rise until step 120 of 200."""
    module = network(strategy, **settings)
    log = MixingLog(folder, 0)
    folder.mkdir()
    for step in range(200):
        if step < 120 and strategy == "trainable":
            set_mixing(module, 0.1 + step / 100, 2 + step / 300)
        if step == 120:
            log.record(step, module, always=True)
            module.harden() if strategy not in ("image-only", "maps-only") else None
            log.record(step, module, always=True)
        log.record(step, module)
    write_best(folder, module, {"step": 200})
    single = module.config.single_stream
    released = module if single else prune(module)
    config = dataclasses.replace(TINY, fusion=released.config)
    hourglass = StackedHourglass(config.hourglass).eval()
    PoseEstimator(config, hourglass, released, name="made").save_pretrained(folder / "checkpoint")
    part = {"n": 2, "mpjpe": 101.0, "pa_mpjpe": 71.0, "order": 61.0}
    hardening = {"soft": part, "hardened": part, "merging_layer": 2, "alpha": 1.3, "beta": 2.4}
    (folder / "hardening.json").write_text(json.dumps(hardening))
    return module


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run and a folder of eight people, two of them for validation."""
    folder = tmp_path_factory.mktemp("analyse")
    write_pack(folder / "data", "made", 8, held_out=2)
    write_run(folder / "run")
    return folder


def test_squared_correlations_are_numpys():
    generator = np.random.default_rng(0)
    one, other = generator.normal(size=(50, 3)), generator.normal(3, 2, size=(50, 4))
    other[:, 2] += one[:, 1]
    expected = np.corrcoef(one, other, rowvar=False)[:3, 3:] ** 2
    np.testing.assert_allclose(squared_correlations(one, other), expected, atol=1e-12)


def test_squared_correlations_of_a_case_by_hand():
    one = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]])
    other = np.array([[3.0, 0.0], [1.0, 1.0], [-1.0, 0.0]])  # the first falls along the line, the second is level
    found = squared_correlations(one, other)
    np.testing.assert_allclose(found[0], [1.0, 0.0], atol=1e-12)
    assert np.isnan(found[1]).all()  # a constant channel has no correlation


def test_a_large_constant_is_constant():
    still = np.full((1000, 1), 0.1) + 1e8
    assert np.isnan(squared_correlations(still, np.arange(1000.0)[:, None])).all()


def test_streams_that_compute_the_same_are_fully_correlated():
    module = network(map_joints=3)  # so both streams read three channels
    module.map_stream.load_state_dict(module.image_stream.state_dict())
    side = module.config.input_size
    image = torch.rand(5, 3, side, side, generator=torch.Generator().manual_seed(1))
    found = stream_correlations(module, image, image)
    alive = np.isfinite(np.diagonal(found.between))
    assert alive.any()
    np.testing.assert_allclose(np.diagonal(found.between)[alive], 1, atol=1e-9)
    np.testing.assert_allclose(found.between, found.within_image, atol=1e-9)
    assert found.summary()["mean_by_chance"] < found.between[np.diag_indices(len(found.between))][alive].mean()
    other = stream_correlations(module, image, torch.rand_like(image)).between
    assert np.nanmax(np.diagonal(other)) < 0.9


def test_streams_that_are_not_built_have_no_correlation():
    image, maps = torch.zeros(1, 3, 1, 1), torch.zeros(1, 16, 1, 1)
    for strategy in ("early", "image-only"):
        with pytest.raises(NothingToShowError, match=f"strategy '{strategy}' does not have layer"):
            stream_correlations(network(strategy), image, maps)


def test_the_table_holds_the_weights_of_every_fiftieth_step(tmp_path):
    module = write_run(tmp_path / "run")
    mixing = read_mixing(tmp_path / "run")
    assert mixing.steps.tolist() == [0, 50, 100, 120, 120, 150]
    assert EVERY == 50
    assert (mixing.hardened_at, mixing.merging_layer) == (120, module.merging_layer)
    np.testing.assert_allclose(mixing.alpha[:3], [0.1, 0.6, 1.1], rtol=1e-5)
    soft = network()
    for row in range(4):  # before hardening
        set_mixing(soft, mixing.alpha[row], mixing.beta[row])
        np.testing.assert_allclose(mixing.weights[row], soft.mixing_weights().detach(), atol=1e-5)
    assert set(np.unique(mixing.weights[4:])) == {0.0, 1.0}


def test_a_resumed_run_takes_rows_again(tmp_path):
    module = network()
    log = MixingLog(tmp_path, 0)
    for step in (0, 50, 100):
        log.record(step, module)
    path = tmp_path / "mixing.csv"
    path.write_bytes(path.read_bytes() + b"150,0.1,2")  # cut while it was written
    again = MixingLog(tmp_path, 100)
    again.record(100, module)
    assert [row["step"] for row in read_rows(path)] == ["0", "50", "100"]
    MixingLog(tmp_path, 0)
    assert not path.exists()


def test_free_weights_have_neither_alpha_nor_beta(tmp_path):
    module = write_run(tmp_path / "run", "free")
    mixing = read_mixing(tmp_path / "run")
    assert np.isnan(mixing.alpha).all()
    np.testing.assert_allclose(mixing.weights[0], network("free").mixing_weights().detach(), rtol=1e-5)
    assert mixing.merging_layer == module.merging_layer


def test_all_parts_are_made_and_can_be_opened(place, printed):
    out = place / "all"
    arguments = ("--data", place / "data", "--out", out, "--images", 2)
    assert "figure7 done" in printed("analyse", place / "run", *arguments)
    for name in ("figure5.png", "figure7.png", "sheet_photos.png"):
        picture = cv2.imread(str(out / name))
        assert min(picture.shape[:2]) > 300, name
        assert picture.std() > 10, name
    assert not list(out.glob(".*"))
    assert not (out / "sheet_rendered.png").exists()
    page = (out / "people.html").read_text()
    assert "found, left" in page
    assert "reference" in page
    assert "<script src" not in page  # it asks no server
    report = (out / "report.md").read_text()
    for name in ("figure5.png", "figure7.png", "sheet_photos.png", "people.html", "fusion, pruned", "101.0"):
        assert name in report, name
    assert "photos of people" in report
    channels = TINY.fusion.layers[sum(layer.kind == "conv" for layer in TINY.fusion.layers) - 1].width
    assert len(read_rows(out / "figure7.csv")) == channels
    assert json.loads((out / "figure7.json").read_text())["images"] == 2


def test_times_and_errors(place, printed):
    out = place / "times"
    printed("analyse", place / "run", "--data", place / "data", "--out", out, "--only", "runtime")
    content = json.loads((out / "runtime.json").read_text())
    maps, full, pruned, whole = content["times"]
    assert pruned["parameters"] < full["parameters"]
    assert whole["parameters"] == maps["parameters"] + pruned["parameters"]
    assert whole["ms_16"] == pytest.approx(maps["ms_16"] + pruned["ms_16"])
    assert maps["crops_per_s_16"] == pytest.approx(1000 / maps["ms_16"])
    before, after = content["errors"]["measured"]
    assert (before["people"], before["n"]) == ("photos", 2)
    assert after["mpjpe"] == pytest.approx(before["mpjpe"], rel=0.01)
    assert 0 < content["errors"]["largest_difference_mm"] < 20  # the checkpoint is of half precision


def test_what_each_input_is_worth(place, printed):
    from train.analysis.inputs import INPUTS, inputs_worth

    from train.analysis.held_out import HeldOut
    from train.analysis.run import read_run

    held_out = HeldOut(place / "data", read_run(place / "run", torch.device("cpu")))
    blank, own = held_out.blanked, held_out.samples
    middle = blank.images[:, :, 12:20, 12:20].float()
    assert (middle - middle.mean((2, 3), keepdim=True)).abs().max() <= 1, "of one colour"
    assert (own.images[:, :, 12:20, 12:20].float() - middle).abs().max() > 10
    rows = inputs_worth(held_out)
    assert [(row["people"], row["input"]) for row in rows] == [("photos", name) for name in INPUTS]
    assert rows[0]["increase_mm"] == 0
    with torch.inference_mode():
        others = torch.tensor([1, 0])
        (image, maps, readings), (other, other_maps, other_readings) = (
            own.inputs(k) for k in (torch.arange(2), others)
        )
        expected = [
            held_out.network(*inputs)
            for inputs in (
                (image, maps, readings), (blank.inputs(torch.arange(2))[0], maps, readings), (other, maps, readings),
                (image, other_maps, other_readings), (image, maps[:, list(MPII_16.mirror)], readings),
            )
        ]  # fmt: skip
    for row, poses in zip(rows, expected, strict=True):
        assert row["mpjpe"] == pytest.approx(pose_figures(poses.numpy(), held_out.truth)["mpjpe"], rel=1e-4)
    assert len({row["mpjpe"] for row in rows}) == len(rows), "every change changes something"
    out = place / "inputs"
    printed("analyse", place / "run", "--data", place / "data", "--out", out, "--only", "inputs")
    assert [row["input"] for row in read_rows(out / "inputs.csv")] == list(INPUTS)
    assert "photo: another person's" in (out / "report.md").read_text()


def test_without_photos_no_pixel_of_a_photo_is_shown(place, printed):
    out = place / "skeletons"
    arguments = ("analyse", place / "run", "--data", place / "data", "--out", out, "--only", "sheets")
    printed(*arguments)
    with_photos = cv2.imread(str(out / "sheet_photos.png")).shape
    printed(*arguments, "--without-photos")
    assert cv2.imread(str(out / "sheet_photos.png")).shape[1] < with_photos[1]
    assert "photos of people" not in (out / "report.md").read_text()


def test_photos_are_black_where_they_are_not_to_be_shown(place):
    from train.analysis.held_out import HeldOut
    from train.analysis.run import read_run
    from train.analysis.sheets import examples

    held_out = HeldOut(place / "data", read_run(place / "run", torch.device("cpu")))
    shown, hidden = (examples(held_out, np.arange(2), 6, photos=photos) for photos in (True, False))
    assert [person.error for person in shown] == sorted(person.error for person in shown)
    assert all(person.crop.any() for person in shown)
    assert not any(person.crop.any() for person in hidden)


def test_parts_of_other_weights_leave_the_report(place, tmp_path, ends, printed):
    run, arguments = tmp_path / "run", ("--data", place / "data", "--out", tmp_path / "out")
    write_run(run)
    printed("analyse", run, *arguments, "--only", "figure5")
    assert "figure5.png" in (tmp_path / "out" / "report.md").read_text()
    shutil.rmtree(run)
    write_run(run, "image-only")
    status, out, _ = ends("analyse", run, *arguments, "--only", "figure7")
    assert (status, "figure7 left out: strategy 'image-only' does not have layer" in out) == (1, True)
    report = (tmp_path / "out" / "report.md").read_text()
    assert "Left out: strategy 'image-only'" in report
    assert "figure5.png" not in report


def test_a_strategy_without_weights_has_no_curve(tmp_path, ends):
    write_run(tmp_path / "run", "image-only")
    status, out, _ = ends("analyse", tmp_path / "run", "--only", "figure5")
    assert status == 1
    assert "figure5 left out: the run kept no weights over time (strategy 'image-only'" in out


def test_what_is_missing_is_one_sentence(place, refused, tmp_path):
    data = ("--data", place / "data", "--out", tmp_path / "out")
    assert refused("analyse", tmp_path / "none", *data) == (
        f"python -m train.analyse: {tmp_path}/none not found: expected the folder of a run of train.fusion"
    )
    (tmp_path / "run").mkdir()
    for only in ((), ("--only", "runtime")):
        assert "the run is not finished" in refused("analyse", tmp_path / "run", *data, *only)
    (tmp_path / "run" / "mixing.csv").write_text("step,alpha\n")
    assert "mixing.csv is damaged or empty" in refused("analyse", tmp_path / "run", *data)
    assert "figure7, inputs, sheets, runtime need --data" in refused("analyse", place / "run")
    assert "invalid choice: 'figure9'" in refused("analyse", place / "run", "--only", "figure9", status=2)


def test_help_names_options_and_defaults(printed):
    out = printed("analyse", "--help")
    assert all(text in out for text in ("python -m train.analyse", "--without-photos", "default: 128"))


def test_a_machine_is_busy_by_the_load_of_others():
    assert is_busy({"load_before": 0.5, "processors": 2})
    assert not is_busy({"load_before": 0.3, "processors": 2})
