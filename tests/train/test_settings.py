"""Training settings as data: the same from options and from a file, refused by key, kept with what they made."""

import pytest

from train import ablate, detector, fusion, hourglass, joint
from train.engine.arguments import read_settings, settings_of
from train.recipes.plan import CONFIGS_FOLDER
from train.settings import CONFIGS, FusionTrainConfig, HourglassTrainConfig

COMMANDS = (hourglass, detector, joint, fusion, ablate)
PLACES = ["--data", "D", "--run", "R"]


def read(module, kind, *words):
    return read_settings(kind, module.parser().parse_args([*PLACES, *map(str, words)]))


def test_options_go_before_the_file_and_the_file_before_the_defaults(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text('[hourglass]\npreset = "tiny"\nsteps = 1_000\nlr = 1\nfreeze_norm = true\n[fusion]\ncrops = 9\n')
    expected = HourglassTrainConfig(preset="tiny", steps=1000, lr=1.0, freeze_norm=True)
    assert read(hourglass, HourglassTrainConfig, "--config", file) == expected
    words = ("--config", file, "--steps", 5, "--no-freeze-norm", "--seed", 2)
    expected = HourglassTrainConfig(preset="tiny", steps=5, lr=1.0, seed=2)
    assert read(hourglass, HourglassTrainConfig, *words) == expected
    assert read(hourglass, HourglassTrainConfig) == HourglassTrainConfig()
    settings = read(fusion, FusionTrainConfig, "--hourglass", "H", "--config", file)
    assert settings == FusionTrainConfig(crops=9)


def test_the_settings_of_the_released_networks_are_read_by_their_commands():
    file = CONFIGS_FOLDER / "released.toml"
    found = read(hourglass, HourglassTrainConfig, "--config", file)
    assert (found.preset, found.batch, found.lr, found.warmup) == ("released", 256, 4e-3, 300)
    found = read(fusion, FusionTrainConfig, "--hourglass", "H", "--config", file)
    assert (found.preset, found.soft_fraction, found.sharpening, found.centring) == ("released", 0.4, 1e5, 1e-3)


def test_a_file_with_several_trainings_or_none_is_refused(refused):
    words = ("--data", "D", "--run", "R", "--config")
    error = refused("hourglass", *words, CONFIGS_FOLDER / "table1.toml")
    assert error.endswith("table1.toml has 2 tables for train.hourglass: expected one, [hourglass]")
    error = refused("detector", *words, CONFIGS_FOLDER / "quickstart.toml")
    assert "quickstart.toml has no table for train.detector" in error
    assert "No such file" in refused("hourglass", *words, "none.toml")


@pytest.mark.parametrize("module", COMMANDS)
def test_the_help_says_every_setting_with_its_default(module, capsys):
    kind = CONFIGS[module.__name__.partition(".")[2]]
    with pytest.raises(SystemExit):
        module.parser().parse_args(["--help"])
    text = " ".join(capsys.readouterr().out.split()).replace("- ", "-")
    assert "(default: None)" not in text
    for name, (default, one) in settings_of(kind).items():
        if name not in kind.not_options:
            assert f"--{name.replace('_', '-')} " in text.replace(",", " "), name
            words = one.about if default in (None, "") else f"{one.about} (default: {default})"
            assert words.replace("- ", "-") in text, name


def test_lambda_grows_until_the_soft_phase_ends():
    settings = FusionTrainConfig(steps=100, soft_fraction=0.5, sharpness=2.0, sharpening=100.0)
    assert settings.soft_steps == 50
    assert [settings.sharpness_at(step) for step in (0, 25, 50, 90)] == pytest.approx([2, 20, 200, 200])
    assert FusionTrainConfig(steps=100).sharpness_at(40) == FusionTrainConfig(steps=100).sharpness
