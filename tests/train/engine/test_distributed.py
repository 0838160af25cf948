"""Killed, or distributed over processes: a training comes to the same end."""

import json
import re

import pytest
import torch
from safetensors.torch import save_file

from fusion_model.hourglass import StackedHourglass
from fusion_model.presets import PRESETS
from tests.helpers.fake_data import write_pack
from tests.helpers.own_process import output
from train.engine.checkpoints import latest_state


@pytest.mark.slow
def test_killed_again_and_again_it_ends_with_the_same_bits():
    out = output("tests.helpers.kill_and_resume", "--kills", 4)
    assert re.search(r"4 kills, [1-4] of them with half a checkpoint", out), out
    assert "0 differ: none" in out


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What one process came to alone, and each of two together."""
    folder = tmp_path_factory.mktemp("distributed")
    write_pack(folder / "data", "made", 8, held_out=2)
    torch.manual_seed(1)
    save_file(StackedHourglass(PRESETS["tiny"].hourglass).state_dict(), folder / "hourglass.safetensors")
    launch = ("accelerate.commands.launch", "--multi_gpu", "--num_processes", 2, "--num_machines", 1,
              "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", 0, "-m")  # fmt: skip
    for name, command in (("one", ()), ("two", launch)):
        (folder / name).mkdir()
        output(*command, "tests.helpers.distributed", folder, folder / name)
    return folder, *(json.loads((folder / name).read_text()) for name in ("one/0.json", "two/0.json", "two/1.json"))


@pytest.mark.slow
@pytest.mark.parametrize("network", ["hourglass", "fusion"])
def test_two_processes_have_the_loss_curve_of_one(results, network):
    _, one, first, second = results
    expected = one["curve"][network]
    assert expected["losses"][0] != pytest.approx(expected["losses"][-1], rel=1e-3), "it learns, so steps matter"
    for process in (first, second):
        assert process["curve"][network]["losses"] == pytest.approx(expected["losses"], rel=1e-4)
        assert process["curve"][network]["weights"] == pytest.approx(expected["weights"], rel=1e-5)


@pytest.mark.slow
def test_accumulated_parts_have_the_loss_curve_of_the_whole(results):
    _, one, *_ = results
    assert one["curve"]["accumulated"]["losses"] == pytest.approx(one["curve"]["hourglass"]["losses"], rel=1e-4)


@pytest.mark.slow
def test_a_signal_to_one_process_stops_all_in_the_same_step(results):
    folder, *processes = results
    assert [process["stopped"] for process in processes] == 3 * [{"finished": False, "step": 5}]
    assert latest_state(folder / "two" / "stopped").name == "00000005"


@pytest.mark.slow
def test_a_bad_number_in_one_process_stops_all(results):
    folder, *processes = results
    assert all(process["nan"].startswith("the loss of step 3 is nan") for process in processes)
    assert "in another process" in processes[1]["nan"]
    assert "in another process" not in processes[2]["nan"]
    assert latest_state(folder / "two" / "nan").name == "00000002"


@pytest.mark.slow
def test_a_batch_that_cannot_be_split_is_refused(results):
    assert all("odd" not in process for process in results[1:])
