"""Second peaks of maps that were drawn by hand."""

import pytest
import torch

from fusion_model.heatmaps import encode
from train.evaluation.end_to_end import second_peaks


def peaks(*places, sigma=1.25):
    """A map (32, 48) with a peak at each (x, y, height)."""
    drawn = encode(torch.tensor([place[:2] for place in places]), (32, 48), sigma)
    return (drawn * torch.tensor([place[2] for place in places])[:, None, None]).amax(0)


def test_the_second_peak_is_measured_by_the_first():
    maps = torch.stack((peaks((10.0, 12, 0.8), (30, 20, 0.6)), peaks((40.0, 3, 0.2), (5, 30, 0.1), (20, 20, 0.15))))
    assert second_peaks(maps).tolist() == pytest.approx([0.75, 0.75], abs=1e-6)
    assert second_peaks(peaks((20.0, 16, 0.9), sigma=6.0)) == 0, "its flank is high, but no peak"
    assert second_peaks(torch.zeros(3, 8, 8)).tolist() == [0, 0, 0]
    assert second_peaks(peaks((20.0, 16, 1), (23, 16, 0.9))) == 0, "a peak beside the first is part of it"
    assert second_peaks(peaks((20.0, 16, 1), (24, 16, 0.9))) == pytest.approx(0.9, abs=1e-6)
    assert second_peaks(peaks((20.0, 16, 1), (0, 0, 0.5))) == pytest.approx(0.5, abs=1e-6), "at the border, too"
