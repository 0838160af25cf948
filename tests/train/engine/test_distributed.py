"""Distributed over processes a training comes to the same end."""

import json

import pytest

from tests.helpers.fake_data import write_pack
from tests.helpers.own_process import output
from train.engine.checkpoints import latest_state


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What one process came to alone, and each of two together."""
    folder = tmp_path_factory.mktemp("distributed")
    write_pack(folder / "data", "made", 8, held_out=2)
    launch = ("accelerate.commands.launch", "--multi_gpu", "--num_processes", 2, "--num_machines", 1,
              "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", 0, "-m")  # fmt: skip
    for name, command in (("one", ()), ("two", launch)):
        (folder / name).mkdir()
        output(*command, "tests.helpers.distributed", folder, folder / name)
    return folder, *(json.loads((folder / name).read_text()) for name in ("one/0.json", "two/0.json", "two/1.json"))


@pytest.mark.slow
def test_two_processes_have_the_loss_curve_of_one(results):
    _, one, *both = results
    for network in ("hourglass", "fusion"):
        expected = one[network]
        assert expected["losses"][0] != pytest.approx(expected["losses"][-1], rel=1e-3), "it learns, so steps matter"
        for process in both:
            assert process[network]["losses"] == pytest.approx(expected["losses"], rel=1e-4)
            assert process[network]["weights"] == pytest.approx(expected["weights"], rel=1e-5)
    assert one["accumulated"]["losses"] == pytest.approx(one["hourglass"]["losses"], rel=1e-4)


@pytest.mark.slow
def test_what_one_process_meets_stops_all_in_the_same_step(results):
    folder, *processes = results
    assert [process["stopped"] for process in processes] == 3 * [{"finished": False, "step": 5}]
    assert latest_state(folder / "two" / "stopped").name == "00000005"
    assert all(process["nan"].startswith("the loss of step 3 is nan") for process in processes)
    assert ["in another process" in process["nan"] for process in processes] == [False, True, False]
    assert latest_state(folder / "two" / "nan").name == "00000002"
