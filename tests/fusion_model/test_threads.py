"""A batch in two threads: all rows in their places, no layer shared out, and nothing of it left behind."""

import multiprocessing
import threading

import pytest
import torch

from fusion_model.threads import Threads

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def set_threads():
    """Gives torch a number of threads until the test ends."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize(("total", "rows", "device"), [(2, 5, CPU), (4, 5, CPU), (1, 4, CPU), (2, 1, CPU), (2, 4, GPU)])
def test_each_half_has_its_thread_and_half_of_torchs(set_threads, total, rows, device):
    """But not with one thread, one row or a GPU."""
    calls, batch = [], torch.arange(2.0 * rows).reshape(rows, 2)

    def add(one, other):
        calls.append((len(one), threading.get_ident(), torch.get_num_threads()))
        return one + other, one[:, :1]

    set_threads(total)
    both, first = Threads.on(device).run(add, batch, 10 * batch)
    assert torch.equal(both, 11 * batch)
    assert torch.equal(first, batch[:, :1])
    counts, idents, numbers = zip(*calls, strict=True)
    halves = rows == 5
    assert sorted(counts) == ([2, 3] if halves else [rows])
    assert ((len({*idents}), {*numbers}), torch.get_num_threads()) == ((1 + halves, {total // (1 + halves)}), total)


def test_an_error_in_the_helper_is_raised_and_the_limit_ends_with_its_block(set_threads):
    set_threads(2)
    threads, column = Threads.on(CPU), torch.arange(5.0)[:, None]
    assert torch.equal(threads.run(torch.neg, column), -column)
    with pytest.raises(IndexError), threads.limited():
        threads.run(lambda rows: rows[:, rows[0, 0].long()], torch.tensor([[0.0], [9.0]]))  # only in the second half
    assert torch.get_num_threads() == 2


def test_a_forked_process_has_a_helper_of_its_own(set_threads):
    set_threads(2)
    threads, batch = Threads.on(CPU), torch.tensor([[-1.0], [1.0]])
    threads.run(torch.relu, batch)
    child = multiprocessing.get_context("fork").Process(target=threads.run, args=(torch.relu, batch), daemon=True)
    child.start()
    child.join(30)
    child.kill()  # which a helper that is missing would keep for ever
    assert child.exitcode == 0
