"""Writes rendered pictures with their labels, and can be cut at any moment.

A data set is a folder with ``settings.json``, one ``part-00000.zip`` for every 200 pictures (JPEG files and
``labels.npz``) and, once all parts are there, ``annotations.npz``. A part appears whole or not at all, and every
picture has a random generator of its own, so a run that was cut goes on without duplicates or gaps, and the parts may
be made on several machines.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from fusion_model.files import discard_unfinished, replacing, write_atomically
from train.engine.run_files import check_settings
from train.synthesis.labels import Picture

PART = 200  # pictures
ANNOTATIONS = "annotations.npz"
SETTINGS = "settings.json"
_QUALITY = (80, 96)  # of the JPEG files, drawn for every picture
PERSON = {
    "joints_2d": (np.float32, (17, 2)),
    "joints_3d": (np.float32, (17, 3)),
    "pelvis": (np.float32, (3,)),
    "visible": (np.bool_, (17,)),
    "box": (np.float32, (4,)),
    "azimuth": (np.float32, ()),
    "subject": (np.int32, ()),
    "stature": (np.float32, ()),
    "motion": (np.str_, ()),
    "kind": (np.str_, ()),
}
"""Type and shape of a row of every array, one row a person."""


@dataclass(frozen=True)
class Settings:
    """What decides the pictures; a folder holds pictures of one choice.

    Attributes:
        count: pictures.
        seed: of everything.
        size: pixels of a picture's side.
        split: ``train`` or ``validation``: which bodies and motions.
        backgrounds: name of the folder of background photos, empty for none.
        motions: name of the file of postures, empty for the one that comes with the project.
        plain: one person in each picture, whole, on their feet and with nothing in front.
    """

    count: int
    seed: int
    size: int
    split: str
    backgrounds: str = ""
    motions: str = ""
    plain: bool = False

    @property
    def parts(self) -> int:
        """Number of parts."""
        return -(-self.count // PART)


def picture_generator(seed: int, index: int) -> np.random.Generator:
    """The random generator of one picture."""
    return np.random.default_rng([seed, index])


def open_folder(folder: Path, settings: Settings) -> None:
    """Make the folder, or check that it holds pictures of the same settings.

    Raises:
        ValueError: if it holds pictures of other settings; says which differ.
    """
    check_settings(folder, SETTINGS, asdict(settings))


def write_parts(
    folder: Path, settings: Settings, make: Callable[[int], Picture], shard: tuple[int, int] = (1, 1)
) -> int:
    """Make every part that is missing; returns how many pictures were made.

    Args:
        folder: an open data set.
        settings: its settings.
        make: renders picture number i.
        shard: (i, n): only every n-th part, from the i-th on.
    """
    work = Work.of(folder, settings, shard)
    with work.bar() as bar:
        for part in work.missing:
            write_part(folder, settings, part, make, bar.update)
    return work.pictures


@dataclass(frozen=True)
class Work:
    """What is to be done.

    Attributes:
        missing: parts to make.
        pictures: in these parts.
        ready: pictures of the parts that were made before.
    """

    missing: tuple[int, ...]
    pictures: int
    ready: int

    @classmethod
    def of(cls, folder: Path, settings: Settings, shard: tuple[int, int] = (1, 1)) -> Work:
        """What a folder lacks of every n-th part, from the i-th on."""
        number, of = shard
        wanted = [part for part in range(settings.parts) if part % of == number - 1]
        missing = tuple(part for part in wanted if not part_path(folder, part).is_file())
        pictures = sum(len(_indices(settings, part)) for part in missing)
        return cls(missing, pictures, sum(len(_indices(settings, part)) for part in wanted) - pictures)

    def bar(self) -> tqdm:
        """A progress bar of pictures."""
        return tqdm(total=self.ready + self.pictures, initial=self.ready, desc="render", unit="picture")


def part_path(folder: Path, part: int) -> Path:
    """File of one part."""
    return folder / f"part-{part:05d}.zip"


def image_place(folder: Path, index: int) -> tuple[Path, str]:
    """File of the part that holds picture number i, and the picture's name in it."""
    return part_path(folder, index // PART), f"{index:07d}.jpg"


def merge_labels(folder: Path, settings: Settings) -> bool:
    """Finish a folder: write ``annotations.npz`` from the labels of all parts; False while parts are missing."""
    paths = [part_path(folder, part) for part in range(settings.parts)]
    if not all(path.is_file() for path in paths):
        return False
    columns = [_read_labels(path) for path in paths]
    merged = {name: np.concatenate([column[name] for column in columns]) for name in columns[0]}
    merged["seed"] = np.array(settings.seed)
    merged["split"] = np.array(settings.split)
    write_atomically(folder / ANNOTATIONS, npz_bytes(merged))
    discard_unfinished(folder)
    return True


def _indices(settings: Settings, part: int) -> range:
    """Numbers of the pictures of a part."""
    return range(part * PART, min((part + 1) * PART, settings.count))


def write_part(
    folder: Path, settings: Settings, part: int, make: Callable[[int], Picture], done: Callable[[], object]
) -> None:
    """Render a part into a file beside its place, then move it there; ``done`` is called after every picture."""
    pictures: list[Picture] = []
    path = part_path(folder, part)
    with replacing(path) as unfinished, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        for index in _indices(settings, part):
            picture = make(index)
            archive.writestr(image_place(folder, index)[1], _encode(picture.image, settings.seed, index))
            pictures.append(picture)
            done()
        archive.writestr("labels.npz", npz_bytes(_columns(pictures, _indices(settings, part))))


def _encode(image: np.ndarray, seed: int, index: int) -> bytes:
    """JPEG of a quality that differs from picture to picture."""
    quality = int(np.random.default_rng([seed, index, 1]).integers(*_QUALITY))
    return encode_jpeg(image, quality, f"picture {index}")


def _columns(pictures: list[Picture], indices: range) -> dict[str, np.ndarray]:
    """Labels as arrays, a row a person, and intrinsics and pitch of the cameras, a row a picture."""
    rows = [(index, label) for index, picture in zip(indices, pictures, strict=True) for label in picture.people]
    arrays = {
        name: np.array([getattr(label, name) for _, label in rows], dtype).reshape(len(rows), *shape)
        for name, (dtype, shape) in PERSON.items()
    }
    arrays["picture"] = np.array([index for index, _ in rows], np.int32)
    arrays["intrinsics"] = np.array([picture.intrinsics for picture in pictures]).reshape(-1, 3, 3)
    arrays["pitch"] = np.array([picture.pitch for picture in pictures], np.float32)
    return arrays


def _read_labels(path: Path) -> dict[str, np.ndarray]:
    """Labels of a part."""
    try:
        with zipfile.ZipFile(path) as archive, np.load(io.BytesIO(archive.read("labels.npz"))) as data:
            return {name: data[name] for name in data}
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ValueError(f"{path} is damaged ({error}): delete it and run the command again") from error


def npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """A compressed npz file of arrays."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def encode_jpeg(image: np.ndarray, quality: int, what: str) -> bytes:
    """A JPEG file of a picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        quality: 0 to 100.
        what: it is, for the message.

    Raises:
        ValueError: if it cannot be encoded.
    """
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"{what} of shape {image.shape} cannot be encoded as JPEG")
    return data.tobytes()


def iterate_images(folder: Path, indices: np.ndarray) -> Iterator[np.ndarray]:
    """Pictures (H, W, 3) uint8 RGB of the given numbers."""
    for index in indices:
        path, member = image_place(folder, int(index))
        with zipfile.ZipFile(path) as archive:
            data = np.frombuffer(archive.read(member), np.uint8)
        yield cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
