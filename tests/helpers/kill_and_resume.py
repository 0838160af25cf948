"""Kill a training with SIGKILL again and again, and compare its end with that of an undisturbed run.

``python -m tests.helpers.kill_and_resume --kills 20`` trains a tiny hourglass on fake people; the kills are scattered
over the run, and every other one waits until a checkpoint is being written. Prints what it did;
exit status 1 if a bit differs.
"""

import argparse
import contextlib
import multiprocessing
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import torch

from tests.helpers.fake_data import write_pack
from train.engine.checkpoints import latest_state, read_state, read_weights
from train.engine.logs import read_rows

STEPS = 60
SMALL = {"preset": "tiny", "batch": 4, "save_every": 2, "validate_every": 5, "log": "csv", "steps": STEPS}


def train(folder, run, reached):
    """What a killed process does: the command itself, from the last checkpoint on; tells the step it is at."""
    from train.hourglass_stage import make_loop
    from train.settings import HourglassTrainConfig

    torch.set_num_threads(1)
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    loop = make_loop(HourglassTrainConfig(**SMALL), folder / "data", folder / run)
    loop.resume()
    loss = loop.loss

    def told(network, step, generator):
        reached.value = step
        return loss(network, step, generator)

    loop.loss = told
    loop.run()


def start(folder, run):
    context = multiprocessing.get_context("fork")  # the parent has computed nothing, so it has no threads to lose
    reached = context.Value("i", -1)
    process = context.Process(target=train, args=(folder, run, reached))
    process.start()
    return process, reached


def kill_once(folder, chance, steps, *, while_writing):
    """Start the run and kill it within some steps; True if that left half a checkpoint, None if it had ended before."""
    before = half_written(folder)
    process, reached = start(folder, "killed")
    while reached.value < 0 and process.is_alive():
        time.sleep(0.005)
    last = reached.value + chance.uniform(0, steps)
    while reached.value < last and process.is_alive():
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.03))
    if while_writing:
        while process.is_alive() and half_written(folder) <= before:
            time.sleep(0.0002)
        time.sleep(chance.uniform(0, 0.004))
    process.kill()
    process.join()
    return None if process.exitcode == 0 else not half_written(folder) <= before


def half_written(folder):
    """Checkpoints in the making, with the time of their last change."""
    found = set()
    for path in (folder / "killed" / "checkpoints").glob("*.part"):
        with contextlib.suppress(FileNotFoundError):
            found.add((path.name, path.stat().st_mtime_ns))
    return found


def end_of(run):
    """Everything that a run came to, as flat tensors by name; seconds left out."""
    state = read_state(latest_state(run), torch.device("cpu"))
    parts = {"module": state["module"], "averaged": state["averaged"], "best": read_weights(run)}
    parts |= {f"optimiser.{number}": entry for number, entry in state["optimiser"]["state"].items()}
    found = {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}
    log = read_rows(run / "log.csv")
    rows = [[float(value) for name, value in row.items() if name != "seconds"] for row in log]
    return found | {"step": torch.tensor(state["step"]), "log": torch.tensor(rows, dtype=torch.float64)}


def main():
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pack(folder / "data", "made", 8, held_out=2)
        start(folder, "straight")[0].join()
        halves = kills = 0
        for number in range(arguments.kills):
            half = kill_once(folder, chance, 1.2 * STEPS / arguments.kills, while_writing=number % 2 == 0)
            if half is None:
                break
            kills, halves = kills + 1, halves + half
        reached = latest_state(folder / "killed")
        start(folder, "killed")[0].join()
        straight, killed = end_of(folder / "straight"), end_of(folder / "killed")
    different = [key for key in straight if key not in killed or not torch.equal(straight[key], killed[key])]
    print(f"{kills} kills, {halves} of them with half a checkpoint on disk, the last after step {reached.name}")
    print(f"{len(straight)} tensors compared, {len(different)} differ: {', '.join(different[:5]) or 'none'}")
    return int(bool(different) or straight.keys() != killed.keys() or kills < arguments.kills or not halves)


if __name__ == "__main__":
    sys.exit(main())
