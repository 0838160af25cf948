"""Files as a data set distributes them, and the one sentence that says where they are not so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class LayoutError(ValueError):
    """Files that are not as distributed: what was found and what was expected."""

    def __init__(self, path: Path, found: str, expected: str = "") -> None:
        super().__init__(f"{path}: {found}" + (f"; expected {expected}" if expected else ""))

    def see(self, section: str) -> ValueError:
        """The same with the section of docs/data.md that tells how the files have to lie."""
        return ValueError(f"{self} (see {section} in docs/data.md)")


@dataclass(frozen=True)
class Place:
    """Where a label stands, for messages.

    Attributes:
        file: of the labels.
        entry: whose label it is, as the data set counts.
    """

    file: Path
    entry: str = ""

    def error(self, found: str, expected: str = "") -> LayoutError:
        """What is wrong with the label: ``found`` goes on from the entry's name."""
        return LayoutError(self.file, f"{self.entry} {found}".strip(), expected)


@contextmanager
def reading(what: Path | Place, expected: str) -> Iterator[None]:
    """Whatever goes wrong while a file or an entry of it is read becomes a :class:`LayoutError` that names it."""
    try:
        yield
    except LayoutError:
        raise
    except Exception as error:
        place = what if isinstance(what, Place) else Place(what)
        words = " ".join(f"{type(error).__name__}: {error}".split())
        raise place.error(f"cannot be read ({words})", f"{expected}: unpack it again") from error


def require_any(source: Path, pattern: str, expected: str) -> list[Path]:
    """Files of a pattern, sorted; where there are none, say what lies there instead.

    Raises:
        LayoutError: if the folder is missing or holds none.
    """
    if not source.is_dir():
        found = "is a file" if source.exists() else "there is no such folder"
        raise LayoutError(source, found, "the folder that the archives were unpacked into")
    if paths := sorted(source.glob(pattern)):
        return paths
    there = sorted(path.name for path in source.iterdir())
    listed = ", ".join(there[:4]) + (f" and {len(there) - 4} more" if len(there) > 4 else "")
    raise LayoutError(source, f"there is no {pattern}, only {listed or 'an empty folder'}", f"{expected}, unpacked")


def require_cameras(cameras: Sequence[str], known: Sequence[str]) -> None:
    """ValueError if a camera is none of a data set's."""
    if unknown := [camera for camera in cameras if camera not in known]:
        raise ValueError(f"--cameras {unknown[0]} is none of the set's: it has {', '.join(known)}")
