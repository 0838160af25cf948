"""What is drawn, rendered or made from a seed is as in earlier versions, by numbers in ``tests/expected``.

After a change that is meant, the tests write anew what they expect if the variable ``EXPECT_ANEW`` is set; never in CI.
"""

import json
import os
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np

EXPECTED = Path(__file__).parents[1] / "expected"
ANEW = "EXPECT_ANEW" in os.environ and "CI" not in os.environ


def _arrays(thing):
    """Every array of numbers in a thing, in order."""
    parts = {one.name: getattr(thing, one.name) for one in fields(thing)} if is_dataclass(thing) else thing  # no cache
    parts = [*parts, *parts.values()] if isinstance(parts, dict) else parts
    if isinstance(parts, list | tuple):
        return [array for part in parts for array in _arrays(part)]
    array = np.asarray(parts)
    array = np.frombuffer(array.tobytes(), np.uint8) if array.dtype.kind == "U" else array.astype(np.float64)
    return [np.nan_to_num(array, posinf=-1.0)]


def assert_as_before(name, thing, near=1e-4, file="synthesis.json"):
    """Mean, slope and spread of the columns of all arrays, each array and column with a weight of its own."""
    total, path = np.zeros(3), EXPECTED / file
    expected = json.loads(path.read_text()) if path.is_file() else {}
    for place, array in enumerate(one for one in _arrays(thing) if one.size):
        rows = array.reshape(array.shape[0] if array.ndim else 1, -1)
        mean, slope = rows.mean(0), np.linspace(-1, 1, len(rows)) @ rows / len(rows)
        weights = np.cos(np.arange(rows.shape[1]) + place)
        total += np.arcsinh(100 * np.stack([mean, slope, np.abs(rows - mean).mean(0)])) @ weights
    if ANEW:
        path.write_text(json.dumps(expected | {name: total.tolist()}, indent=1, sort_keys=True) + "\n")
    else:
        np.testing.assert_allclose(total, expected[name], rtol=0, atol=near, err_msg=name)


def assert_stored(name, thing, file):
    """Words and all else that JSON can hold: exactly what the file has under this name."""
    path = EXPECTED / file
    expected = json.loads(path.read_text()) if path.is_file() else {}
    if ANEW:
        path.write_text(json.dumps(expected | {name: thing}, indent=1, sort_keys=True) + "\n")
    else:
        assert thing == expected[name]
