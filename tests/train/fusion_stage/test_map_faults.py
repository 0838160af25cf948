"""Faults put into maps: how often each comes, what it does, and that a rate of 0 leaves maps alone."""

import pytest
import torch

from fusion_model.heatmaps import decode, encode
from fusion_model.skeletons import MPII_16
from train.engine.seeds import RowNoise
from train.fusion_stage.map_faults import with_faults

SIZE, COUNT = 48, 3000
SIDED = [joint for joint, other in enumerate(MPII_16.mirror) if joint != other]


@pytest.fixture(scope="module")
def places():
    return torch.stack(torch.meshgrid(torch.arange(4), torch.arange(4), indexing="xy"), -1).reshape(16, 2) * 10.0 + 8


@pytest.fixture(scope="module")
def faulty(places):
    maps = encode(places[None], (SIZE, SIZE), 1.25).expand(COUNT, -1, -1, -1)
    noise = RowNoise.drawn(COUNT, torch.Generator().manual_seed(0))
    return decode(with_faults(maps, noise, torch.ones(COUNT)))


def test_no_rate_no_fault(places):
    maps = encode(places[None], (SIZE, SIZE), 1.25).expand(20, -1, -1, -1)
    noise = RowNoise.drawn(20, torch.Generator().manual_seed(1))
    assert torch.equal(with_faults(maps, noise, torch.zeros(20)), maps)


def test_each_fault_comes_as_often_as_measured(places, faulty):
    points, peaks = faulty
    off = (points - places).norm(dim=-1)
    across = ((points - places[list(MPII_16.mirror)]).norm(dim=-1) < 0.5)[:, SIDED] & (peaks[:, SIDED] > 0.1)
    assert (peaks < 0.1).float().mean() == pytest.approx(0.01, abs=0.003)
    shifted = (off > 0.5) & (off < 0.12 * SIZE * 1.5) & (peaks > 0.1)
    assert shifted[:, MPII_16.index("pelvis")].float().mean() == pytest.approx(0.07, abs=0.012)
    exchanged = 0.04 / 6 + 0.025 / 2 + 0.01
    assert across.float().mean() == pytest.approx(0.05 + exchanged, abs=0.006)


def test_exchanges_take_a_pair_a_limb_or_the_body(places, faulty):
    points, _ = faulty
    mirror = list(MPII_16.mirror)
    across = (points - places[mirror]).norm(dim=-1) < 0.5
    both = across & across[:, mirror]
    pairs = both[:, SIDED].sum(1) // 2
    counts = torch.bincount(pairs, minlength=7) / COUNT
    assert counts[1] == pytest.approx(0.04, abs=0.015)
    assert counts[3] + counts[2] == pytest.approx(0.025, abs=0.01), "a fault besides may hide one of three"
    assert counts[5:].sum() == pytest.approx(0.01, abs=0.006)


def test_rows_are_faulty_alike_in_every_batch(places):
    maps = encode(places[None], (SIZE, SIZE), 1.25).expand(64, -1, -1, -1)
    seeds = torch.arange(64)
    whole = with_faults(maps, RowNoise(seeds), torch.ones(64))
    assert torch.equal(whole[40:], with_faults(maps[40:], RowNoise(seeds[40:]), torch.ones(24)))
