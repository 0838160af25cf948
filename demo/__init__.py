"""The page, its endpoints and the command line: everything between fusion_model and a person."""

from pathlib import Path

DEFAULT_MODEL = Path(__file__).parents[1] / "assets" / "checkpoints" / "default"
