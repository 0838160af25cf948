"""A batch in two threads: all rows in their places, no layer shared out, and nothing of it left behind."""

import subprocess
import sys
import threading

import pytest
import torch

from fusion_model.threads import Threads
from tests.helpers.estimators import seeing, smooth_photo, sure
from tests.helpers.own_process import ENVIRONMENT, ROOT

CPU = torch.device("cpu")


@pytest.fixture
def set_threads():
    """Gives torch a number of threads until the test ends."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


class Calls(list):
    """Adds two batches; keeps rows, thread, torch's threads and whether in inference mode for each call."""

    def add(self, one, other):
        """The sum."""
        self.append((len(one), threading.get_ident(), torch.get_num_threads(), torch.is_inference_mode_enabled()))
        return one + other


@pytest.mark.parametrize(("total", "each"), [(2, 1), (3, 1), (4, 2)])
def test_each_half_has_its_thread_and_half_of_torchs(set_threads, total, each):
    set_threads(total)
    threads, calls, batch = Threads.on(CPU), Calls(), torch.arange(10.0).reshape(5, 2)
    assert torch.equal(threads.run(calls.add, batch, 10 * batch), 11 * batch)
    rows, idents, numbers, inference = zip(*calls, strict=True)
    assert sorted(rows) == [2, 3]
    assert len({*idents}) == 2
    assert numbers == (each, each)
    assert inference == (True, True)
    assert torch.get_num_threads() == total


@pytest.mark.parametrize(
    ("total", "rows", "device"), [(1, 4, CPU), (2, 1, CPU), (2, 4, torch.device("cuda"))], ids=["one", "row", "gpu"]
)
def test_one_thread_one_row_or_a_gpu_is_one_call(set_threads, total, rows, device):
    set_threads(total)
    calls, ones = Calls(), torch.ones(rows, 2)
    assert torch.equal(Threads.on(device).run(calls.add, ones, ones), 2 * ones)
    assert calls == [(rows, threading.get_ident(), total, True)]


def test_several_results_keep_their_rows(set_threads):
    set_threads(2)
    batch = torch.arange(10.0).reshape(5, 2)
    one, other = Threads.on(CPU).run(lambda rows: (rows + 1, rows[:, :1] * 2), batch)
    assert torch.equal(one, batch + 1)
    assert torch.equal(other, batch[:, :1] * 2)


def test_the_limit_ends_with_its_block_even_after_an_error(set_threads):
    set_threads(2)
    with pytest.raises(ZeroDivisionError), Threads.on(CPU).limited():
        1 / (torch.get_num_threads() - 1)
    assert torch.get_num_threads() == 2


def test_what_fails_in_the_helper_is_raised(set_threads):
    set_threads(2)

    def refuse_zeros(batch):
        if not batch.any():
            raise ValueError("zeros")
        return batch

    with pytest.raises(ValueError, match="zeros"):
        Threads.on(CPU).run(refuse_zeros, torch.tensor([1.0, 0.0]))


def test_a_forked_process_has_a_helper_of_its_own():
    code = (
        "import os, signal, torch\n"
        "from fusion_model.threads import Threads\n"
        "torch.set_num_threads(2)\n"
        "threads, batch = Threads(1), torch.tensor([[-1.0], [1.0]])\n"
        "threads.run(torch.relu, batch)\n"
        "if not (child := os.fork()):\n"
        "    signal.alarm(30)\n"  # else a helper that is missing would keep it for ever
        "    print(threads.run(torch.relu, batch).tolist(), flush=True)\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[[0.0], [1.0]]"


def test_no_layer_of_an_estimate_is_shared_out(set_threads):
    set_threads(2)
    estimator, calls = seeing(sure(), (4, 3, 3.0, 12, 24, 20, 24, 0), (4, 4, 3.0, 20, 24, 12, 24, 0)), []
    running = {"detector": estimator.search.detector, "hourglass": estimator.predictor.hourglass.front}
    for name, network in {**running, "fusion": estimator.fusion_network}.items():
        network.register_forward_hook(
            lambda *_, name=name: calls.append((name, threading.get_ident(), torch.get_num_threads()))
        )
    photo = smooth_photo()
    for estimate in (estimator, estimator.predict_all, estimator.find_people):
        calls.clear()
        estimate(photo)
        names, _, numbers = zip(*calls, strict=True)
        assert {*names} == {"detector", "hourglass"} | ({"fusion"} if estimate != estimator.find_people else set())
        assert {*numbers} == {1}
        assert torch.get_num_threads() == 2
    estimator(photo)
    assert len({ident for name, ident, _ in calls if name == "fusion"}) == 2
