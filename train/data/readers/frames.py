"""Pictures of records, each decoded once: photos, members of zips and LMDB folders, frames of videos in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from fusion_model.images import load_photo
from fusion_model.photos import files
from fusion_model.photos.tiff import orientation
from fusion_model.video.decoding import Picture, VideoError, decode, opened, read_timeline
from train.data.photos import decode_rgb, read_member
from train.data.readers.caffe import read_image
from train.data.readers.layout import LayoutError
from train.data.readers.records import Frame, Record

_AS_STORED = "a turn of a photo by EXIF, since the labels fit it as stored or do not say (the photo is kept)"


def iterate_frames(records: Sequence[Record], skipped: Counter[str]) -> Iterator[tuple[Record, np.ndarray]]:
    """Each record with its frame (H, W, 3) uint8 BGR, a picture decoded once for neighbours that share it.

    Args:
        records: those of one video with frame numbers that do not fall.
        skipped: counts what is read in a way that the user should know, see :func:`read_picture`.

    Raises:
        LayoutError: if a picture is missing, damaged or of another size than its labels say, or a video ends too early.
    """
    videos: dict[Path, _Video] = {}
    last, picture = None, None
    try:
        for record in records:
            frame = record.frame
            if picture is None or frame != last:
                if frame.number is None:
                    picture = read_picture(frame, skipped)
                else:
                    if frame.path not in videos:
                        videos[frame.path] = _Video(frame.path)
                    picture = videos[frame.path].read(frame.number)
                last = frame
            yield record, picture
    finally:
        for video in videos.values():
            video.close()


def read_picture(frame: Frame, skipped: Counter[str]) -> np.ndarray:
    """An image (H, W, 3) uint8 BGR, one in a zip, or one in an LMDB folder.

    Labels are pixels of the file as it is stored, as those of the sets as distributed are, unless they announce the
    size that it has only when it is turned by its EXIF entry: then it is.

    Args:
        frame: where it lies, and the size that the labels announce; its path ends in ``.lmdb`` for such a folder.
        skipped: counts photos whose EXIF entry would turn them, but which are read as stored.

    Raises:
        ValueError: if it is missing, damaged or no photo that can be read, or of another size.
    """
    if frame.path.suffix == ".lmdb":
        return read_image(frame.path, frame.member.encode("latin-1"))
    try:
        if frame.member:
            return decode_rgb(read_member(frame.path, frame.member), frame.member)[..., ::-1]
        return _read_photo(frame, skipped)
    except LayoutError:
        raise
    except (OSError, ValueError) as error:
        found = f"cannot be read ({error})" if isinstance(error, OSError) else str(error)
        raise LayoutError(frame.path, found, "a photo: unpack it again") from error


def _read_photo(frame: Frame, skipped: Counter[str]) -> np.ndarray:
    """An image file."""
    image = files.read_picture(frame.path, "it")
    turn, size = orientation(image), image.size
    as_stored = frame.size in (None, size)
    if not as_stored and not (turn >= 5 and frame.size == size[::-1]):
        expected = f"{frame.size[0]} x {frame.size[1]} as its labels say: unpack photos and labels again"
        raise LayoutError(frame.path, f"the photo has {size[0]} x {size[1]} pixels", expected)
    if as_stored and turn != 1:
        skipped[_AS_STORED] += 1
    return cv2.cvtColor(load_photo(image, turn=not as_stored), cv2.COLOR_RGB2BGR)


class _Video:
    """Reads a video forwards; converts only the frames that are asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_file():
            raise LayoutError(path, "there is no such file", "the video of these labels")
        try:
            with opened(path) as (container, stream):
                self._timeline = read_timeline(container, stream)
        except VideoError as error:
            found, expected = "cannot be opened as a video", "one as distributed: unpack it again"
            raise LayoutError(path, found, expected) from error
        self._pictures = self._decoded()
        self._picture = next(self._pictures, None)

    def read(self, number: int) -> np.ndarray:
        """Frame ``number`` from 0, at or after the last one read, (H, W, 3) uint8 BGR.

        Labels are pixels of the frame as it is stored: it is neither turned nor stretched.
        """
        frames = len(self._timeline.times)
        if number >= frames:
            expected = f"at least {number + 1}, as many as have labels: unpack it again"
            raise LayoutError(self._path, f"the video ends after {frames} frames", expected)
        while self._picture is not None and self._picture.number < number:
            self._picture = next(self._pictures, None)
        if self._picture is None or self._picture.number > number:
            raise LayoutError(self._path, f"frame {number} cannot be decoded", "a whole video")
        return self._picture.stored()

    def close(self) -> None:
        """Give the file back."""
        self._pictures.close()

    def _decoded(self) -> Generator[Picture, None, None]:
        """Every frame that is whole and whose number is sure: labels belong to one frame."""
        with opened(self._path) as (container, stream):
            yield from (picture for picture in decode(container, stream, self._timeline) if picture.sure)
