"""Training settings as data: the same from options and from a file, refused by key, kept with what they made."""

import pytest

from train import ablate, detector, fusion, hourglass
from train.engine.arguments import options_of, read_settings
from train.recipes import CONFIGS_FOLDER
from train.settings import CONFIGS, FusionTrainConfig, HourglassTrainConfig


def read(module, *words):
    required = ["--hourglass", "H"] if module is fusion else []
    arguments = module.parser().parse_args(["--data", "D", "--run", "R", *required, *map(str, words)])
    return read_settings(CONFIGS[module.__name__.partition(".")[2]], arguments)


def test_options_go_before_the_file_and_the_file_before_the_defaults(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text('[hourglass]\npreset = "tiny"\nsteps = 1_000\nlr = 1\n[fusion]\ncrops = 9\n')
    assert read(hourglass) == HourglassTrainConfig()
    assert read(hourglass, "--config", file) == HourglassTrainConfig(preset="tiny", steps=1000, lr=1.0)
    words = ("--config", file, "--steps", 5, "--seed", 2)
    assert read(hourglass, *words) == HourglassTrainConfig(preset="tiny", steps=5, lr=1.0, seed=2)
    assert read(fusion, "--config", file) == FusionTrainConfig(crops=9)


def test_a_file_with_several_trainings_or_none_is_refused(refused):
    words = ("--data", "D", "--run", "R", "--config")
    error = refused("hourglass", *words, CONFIGS_FOLDER / "table1.toml")
    assert error.endswith("table1.toml has 2 tables for train.hourglass: expected one, [hourglass]")
    error = refused("detector", *words, CONFIGS_FOLDER / "quickstart.toml")
    assert "quickstart.toml has no table for train.detector" in error
    assert "No such file" in refused("hourglass", *words, "none.toml")


def test_bounds_are_allowed_themselves():
    found = read(hourglass, "--warmup", 0, "--synthetic-fraction", 1, "--steps", 1)
    assert (found.warmup, found.synthetic_fraction, found.steps) == (0, 1, 1)
    assert read(hourglass, "--synthetic-fraction", 0).synthetic_fraction == 0
    for name, beyond in (("warmup", -1), ("synthetic-fraction", 1.1), ("synthetic-fraction", -0.1), ("steps", 0)):
        with pytest.raises(SystemExit):
            read(hourglass, f"--{name}", beyond)


@pytest.mark.parametrize("module", [hourglass, detector, fusion, ablate])
def test_the_help_says_every_setting_with_its_default(module, capsys):
    with pytest.raises(SystemExit):
        module.parser().parse_args(["--help"])
    text = " ".join(capsys.readouterr().out.split()).replace("- ", "-")
    assert "(default: None)" not in text
    for name, one in options_of(CONFIGS[module.__name__.partition(".")[2]]).items():
        assert f"--{name.replace('_', '-')} " in text.replace(",", " "), name
        words = one.about if one.default in (None, "") else f"{one.about} (default: {one.default})"
        assert words.replace("- ", "-") in text, name


def test_lambda_grows_until_the_soft_phase_ends():
    settings = FusionTrainConfig(steps=100, soft_fraction=0.5, sharpening=100.0)
    grown = [settings.sharpness_at(step) / FusionTrainConfig().sharpness_at(40) for step in (0, 25, 50, 90)]
    assert grown == pytest.approx([1, 10, 100, 100])
