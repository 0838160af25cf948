"""Pictures of records, each decoded once: photos, members of zips and LMDB folders, frames of videos in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from fusion_model.images import load_photo
from fusion_model.photos import files
from fusion_model.photos.tiff import orientation
from fusion_model.video.decoding import decode, opened, read_timeline
from train.data.photos import decode_rgb, read_member
from train.data.readers.deep3dpose import read_image
from train.data.readers.layout import LayoutError, reading
from train.data.readers.records import Frame, Record

_AS_STORED = "a turn of a photo by EXIF, since the labels fit it as stored or do not say (the photo is kept)"


def iterate_frames(records: Sequence[Record], skipped: Counter[str]) -> Iterator[tuple[Record, np.ndarray]]:
    """Each record with its frame (H, W, 3) uint8 BGR, a picture decoded once for neighbours that share it.

    Args:
        records: of pictures, or of one video with frame numbers that do not fall.
        skipped: counts what is read in a way that the user should know, see :func:`read_picture`.

    Raises:
        LayoutError: if a picture is missing, damaged or of another size than its labels say, or a video ends too early.
    """
    if records and records[0].frame.number is not None:
        yield from _video_frames(records, records[0].frame.path)
        return
    last, picture = None, None
    for record in records:
        if record.frame != last:
            last, picture = record.frame, read_picture(record.frame, skipped)
        yield record, picture


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
    with reading(frame.path, "a photo"):
        if frame.member:
            return decode_rgb(read_member(frame.path, frame.member), frame.member)[..., ::-1]
        image = files.read_picture(frame.path, "it")
        turn, size = orientation(image), image.size
        as_stored = frame.size in (None, size)
        if not as_stored and not (turn >= 5 and frame.size == size[::-1]):
            expected = f"{frame.size[0]} x {frame.size[1]} as its labels say: unpack photos and labels again"
            raise LayoutError(frame.path, f"the photo has {size[0]} x {size[1]} pixels", expected)
        if as_stored and turn != 1:
            skipped[_AS_STORED] += 1
        return cv2.cvtColor(load_photo(image, turn=not as_stored), cv2.COLOR_RGB2BGR)


def _video_frames(records: Sequence[Record], path: Path) -> Iterator[tuple[Record, np.ndarray]]:
    """Reads a video forwards; frames are as they are stored, neither turned nor stretched."""
    with reading(path, "a video as distributed"), opened(path) as (container, stream):
        timeline = read_timeline(container, stream)
    with opened(path) as (container, stream):
        # Labels belong to one frame: only those are taken that are whole and whose number is sure.
        pictures = (picture for picture in decode(container, stream, timeline) if picture.sure)
        picture = next(pictures, None)
        for record in records:
            number, frames = record.frame.number, len(timeline.times)
            if number >= frames:
                expected = f"at least {number + 1}, as many as have labels: unpack it again"
                raise LayoutError(path, f"the video ends after {frames} frames", expected)
            while picture is not None and picture.number < number:
                picture = next(pictures, None)
            if picture is None or picture.number > number:
                raise LayoutError(path, f"frame {number} cannot be decoded", "a whole video")
            yield record, picture.stored()
