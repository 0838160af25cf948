"""Draw what a run of ``train.fusion`` has learnt: ``python -m train.analyse RUN --data DIR``.

Figure 5 (alpha, beta and every w_l over the iterations), Figure 7 (squared correlations of the two streams), what each
input is worth (errors with the photo blanked, or with another person's photo or maps) and sheets of people as Figures 4
and 6, with report.md that shows them together. Run it again to make any of it anew; every file is replaced as a whole.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import cv2
from matplotlib.figure import Figure

from fusion_model.estimator import PoseEstimator
from fusion_model.files import write_atomically
from fusion_model.hub.checkpoints import CONFIG_FILE, load_checkpoint
from fusion_model.skeletons import HUMAN36M_17
from train.analysis.figure5 import NothingToShowError, mixing_figure, mixing_text, read_mixing
from train.analysis.figure7 import correlation_figure, run_correlations
from train.analysis.sheets import sheet
from train.command import new_parser, run_command
from train.data.sources import find_sources
from train.engine.arguments import at_least, positive
from train.engine.logs import read_rows, write_rows
from train.evaluation import three_d
from train.fusion_stage.training import FILE


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    arguments = new_parser("analyse", __doc__)
    arguments.add_argument("run", type=Path, help="folder of a run of train.fusion")
    arguments.add_argument("--data", type=Path, help="folder of data sets; figure5 alone does without")
    arguments.add_argument("--out", type=Path, help="folder to write into (default: RUN/analysis)")
    arguments.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to make")
    arguments.add_argument("--images", type=positive(int), default=128, help="validation images of figure7")
    arguments.add_argument("--people", type=positive(int), default=6, help="people on a sheet")
    arguments.add_argument("--without-photos", action="store_true", help="sheets of photos show maps and poses alone")
    arguments.add_argument("--seed", type=at_least(0, int), default=0, help="of the choice of images")
    return arguments


def main(arguments: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    if not arguments.run.is_dir() or (arguments.run / CONFIG_FILE).is_file():
        what = "is a checkpoint" if arguments.run.is_dir() else "not found"
        raise ValueError(f"{arguments.run} {what}: expected the folder of a run of train.fusion, with its mixing.csv")
    needy = [name for name in arguments.only if name != "figure5"]
    if needy and arguments.data is None:
        raise ValueError(f"{', '.join(needy)} need --data, the folder of data sets (or choose --only figure5)")
    out, texts, made = arguments.out or arguments.run / "analysis", [], 0
    out.mkdir(parents=True, exist_ok=True)
    for name, (title, part) in PARTS.items():
        if name in arguments.only:
            try:
                text, made = part(arguments, out), made + 1
            except NothingToShowError as error:
                text = f"Left out: {error}."
            texts.append(f"## {title}\n\n{text}")
            print(texts[-1], flush=True)
    report = "\n\n".join((f"# Analysis of {arguments.run.resolve().name}", *texts))
    write_atomically(out / "report.md", f"{report}\n")
    print(f"report: {out / 'report.md'}")
    return 0 if made else 1


def figure5(arguments: argparse.Namespace, out: Path) -> str:
    """Curves of the fusion weights."""
    mixing = read_mixing(arguments.run)
    write_rows(out / "figure5.csv", read_rows(arguments.run / FILE))
    text = f"{mixing_text(mixing)}\n\nValues: [figure5.csv](figure5.csv)."
    return _figure(out, "figure5", mixing_figure(mixing), text)


def figure7(arguments: argparse.Namespace, out: Path) -> str:
    """Correlations of the streams."""
    run = arguments.run
    found = run_correlations(run, _released(run), arguments.data, arguments.images, arguments.seed)
    return _figure(out, "figure7", correlation_figure(found), found.text)


def inputs(arguments: argparse.Namespace, out: Path) -> str:
    """Errors with changed inputs, of the released network."""
    table = three_d.table(arguments.data, _released(arguments.run, HUMAN36M_17.name))
    write_atomically(out / "inputs.csv", table.to_csv())
    return f"{table.to_markdown(level=3)}\nValues: [inputs.csv](inputs.csv)."


def sheets(arguments: argparse.Namespace, out: Path) -> str:
    """People, their maps and poses."""
    estimator = PoseEstimator.from_pretrained(_released(arguments.run, HUMAN36M_17.name))
    text = (
        "From good to bad, at even steps of the error: maps and joints of people, and the found pose over the "
        "reference, pelvis on pelvis, from ahead, the side and above. The reference is exact for rendered people; for "
        "photos it is what the data set has, often a teacher's pose."
    )
    texts = [text]
    for kind, members in three_d.held_out(find_sources(arguments.data), 1).items():
        shown = kind == "rendered" or not arguments.without_photos
        picture = sheet(estimator, members, arguments.people, photos=shown)
        _, encoded = cv2.imencode(".png", picture[..., ::-1])
        write_atomically(out / f"sheet_{kind}.png", encoded.tobytes())
        texts.append(f"![{kind}](sheet_{kind}.png)")
        if shown and kind == "photos":
            texts.append("This sheet shows photos of people: it is for this folder alone (or: --without-photos).")
    return "\n\n".join(texts)


PARTS = {
    "figure5": ("Fusion weights over the iterations (Figure 5)", figure5),
    "figure7": ("Correlation of the two streams (Figure 7)", figure7),
    "inputs": ("What each input is worth", inputs),
    "sheets": ("People (Figures 4 and 6)", sheets),
}
"""What can be made: its heading in the report, and what makes it and returns its text."""


def _released(run: Path, measured: str = "") -> Path:
    """The checkpoint that a run writes at its end; with these joints, where only such are measured."""
    checkpoint = run / "checkpoint"
    if not (checkpoint / CONFIG_FILE).is_file():
        unfinished = "the run is not finished, start train.fusion again with the same settings"
        raise FileNotFoundError(f"{checkpoint} not found: {unfinished}")
    joints = load_checkpoint(checkpoint)[0].fusion.skeleton
    if measured and joints != measured:
        raise NothingToShowError(f"the network puts out {joints}, and {measured} is measured")
    return checkpoint


def _figure(out: Path, name: str, figure: Figure, text: str) -> str:
    """Write a figure; its part of the report."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, facecolor="white", metadata={"Software": None})
    write_atomically(out / f"{name}.png", buffer.getvalue())
    return f"![{name}.png]({name}.png)\n\n{text}"


if __name__ == "__main__":
    sys.exit(run_command(parser(), main))
