"""Pictures of records: image files, members of zips and LMDB folders, and frames of videos read in order."""

from __future__ import annotations

import zipfile
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from fusion_model.decoding import Picture, VideoError, decode, opened, read_timeline
from train.data.readers.caffe import read_image
from train.data.readers.records import LayoutError, Record


def iterate_frames(records: Sequence[Record], section: str) -> Iterator[tuple[Record, np.ndarray]]:
    """Each record with its frame (H, W, 3) uint8 BGR, a picture decoded once for neighbours that share it.

    Args:
        records: those of one video with frame numbers that do not fall.
        section: of DATASETS.md, for messages.

    Raises:
        LayoutError: if a picture is missing or damaged, or a video ends too early.
    """
    videos: dict[Path, _Video] = {}
    last, picture = None, None
    try:
        for record in records:
            frame = record.frame
            if picture is None or frame != last:
                if frame.number is not None:
                    if frame.path not in videos:
                        videos[frame.path] = _Video(frame.path, section)
                    picture = videos[frame.path].read(frame.number)
                else:
                    picture = read_picture(frame.path, frame.member, section)
                last = frame
            yield record, picture
    finally:
        for video in videos.values():
            video.close()


def read_picture(path: Path, member: str, section: str) -> np.ndarray:
    """An image (H, W, 3) uint8 BGR as it is stored, or one in a zip or an LMDB folder.

    Args:
        path: the image, the zip or the folder called ``.lmdb``.
        member: name in the zip, or key in the folder; empty for an image.
        section: of DATASETS.md, for messages.

    Raises:
        LayoutError: if it is missing or damaged.
    """
    if path.suffix == ".lmdb":
        return read_image(path, member.encode("ascii"), section)
    where = path / member if member else path
    try:
        if member:
            with zipfile.ZipFile(path) as archive:
                data = archive.read(member)
        else:
            data = path.read_bytes()
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise LayoutError(where, f"cannot be read ({error})", "a photo: unpack the archive again", section) from error
    # Labels are pixels of the file as it is stored: no turning by EXIF.
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if image is None:
        raise LayoutError(where, f"{len(data)} bytes that are no photo", "a JPEG or PNG: unpack it again", section)
    return image


class _Video:
    """Reads a video forwards; converts only the frames that are asked for."""

    def __init__(self, path: Path, section: str) -> None:
        self._path, self._section = path, section
        if not path.is_file():
            raise LayoutError(path, "there is no such file", "the video of these labels", section)
        try:
            with opened(path) as (container, stream):
                self._timeline = read_timeline(container, stream)
        except VideoError as error:
            found, expected = "cannot be opened as a video", "one as distributed: unpack it again"
            raise LayoutError(path, found, expected, section) from error
        self._pictures = self._decoded()
        self._picture = next(self._pictures, None)

    def read(self, number: int) -> np.ndarray:
        """Frame ``number`` from 0, at or after the last one read, (H, W, 3) uint8 BGR.

        Labels are pixels of the frame as it is stored: it is neither turned nor stretched.
        """
        frames = len(self._timeline.times)
        if number >= frames:
            expected = f"at least {number + 1}, as many as have labels: unpack it again"
            raise LayoutError(self._path, f"the video ends after {frames} frames", expected, self._section)
        while self._picture is not None and self._picture.number < number:
            self._picture = next(self._pictures, None)
        if self._picture is None or self._picture.number > number:
            raise LayoutError(self._path, f"frame {number} cannot be decoded", "a whole video", self._section)
        return self._picture.stored()

    def close(self) -> None:
        """Give the file back."""
        self._pictures.close()

    def _decoded(self) -> Generator[Picture, None, None]:
        """Every frame that is whole and whose number is sure: labels belong to one frame."""
        with opened(self._path) as (container, stream):
            yield from (picture for picture in decode(container, stream, self._timeline) if picture.sure)
