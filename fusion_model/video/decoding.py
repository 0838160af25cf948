"""Videos decoded as players show them, by PyAV: the only module that needs it.

What is shown counts, not what a header says: the times of the frames come from the packets, after the edit list has
hidden some; a frame is turned, mirrored and stretched as its file says. Decoding goes on behind damaged pieces.
OpenCV's reader does none of it: it turns but does not mirror, stops at the first damage, and decodes no AV1.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from fusion_model.files import printable
from fusion_model.video.sample_tables import announced_samples

Opened = tuple[InputContainer, VideoStream]
"""A video file and the stream of its pictures."""

KINDS = "MP4, MOV, WebM, MKV or AVI"
_SIGNATURES = {  # FFmpeg's reader, and offset and bytes of its files' signatures: none opens other files
    "mov": (4, (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),
    "matroska": (0, (b"\x1a\x45\xdf\xa3",)),
    "avi": (8, (b"AVI ",)),
}
_USUAL_RATE = 25  # frames a second where a file does not say it
_SLACK_SECONDS = 0.5  # by which the header of a whole WebM or MKV may be off
_MOST_DAMAGES = 1000  # pieces of a file that cannot be read, before its end
_VP8_SHOWN = 0x10  # bit of the first byte of a frame
_HDR = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)  # PQ and HLG
_WIDE_GAMUTS = (ColorPrimaries.BT2020, ColorPrimaries.SMPTE431, ColorPrimaries.SMPTE432)


class VideoError(ValueError):
    """A video that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Timeline:
    """When the N frames of a video are shown, by its packets.

    Attributes:
        times: seconds of each frame from the first one, rising.
        seconds: from the start of the first frame to the end of the last one.
        lost: frames after these that the file announces, and does not hold: it is cut off.
        places: number of the frame by its packet's time stamp.
        in_order: those numbers are in order of decoding: when a packet's frame is shown is not known.
    """

    times: tuple[float, ...]
    seconds: float
    lost: int
    places: dict[int, int] = field(repr=False)
    in_order: bool = False


@dataclass(frozen=True)
class Picture:
    """A decoded frame, which is converted only when it is asked for.

    Attributes:
        number: of the frame, from 0 in the order in which frames are shown; damaged ones have numbers, too.
        seconds: when it is shown, from the first frame.
        sure: whether the frame is whole and that number right. In an AVI with B-frames, numbers may be a little off
            near damage, until the next key frame.
    """

    number: int
    seconds: float
    sure: bool
    _frame: VideoFrame = field(repr=False)
    _aspect: Fraction = field(repr=False)
    _reformatter: VideoReformatter = field(repr=False)  # its tables for HDR take a second, so frames share it

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as it is shown."""
        size = shown_size(self._frame.width, self._frame.height, self._aspect)
        return size[::-1] if _lies(_display_matrix(self._frame)) else size

    def shown(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB: upright, with square pixels, in the colours of usual screens.

        Raises:
            VideoError: if its colours cannot be converted.
        """
        size = shown_size(self._frame.width, self._frame.height, self._aspect)
        return _turned(self._converted("rgb24", *size), _display_matrix(self._frame))

    def stored(self) -> np.ndarray:
        """(H, W, 3) uint8 BGR with the pixels of the file, neither turned nor stretched.

        Raises:
            VideoError: if its colours cannot be converted.
        """
        return self._converted("bgr24", self._frame.width, self._frame.height)

    def _converted(self, layout: str, width: int, height: int) -> np.ndarray:
        """(H, W, 3) uint8; HDR and wide gamuts are mapped to BT.709, as swscale does where nothing else is asked."""
        frame, mapped = self._frame, {}
        if frame.color_trc in _HDR or frame.color_primaries in _WIDE_GAMUTS:
            curve = ColorTrc.BT709 if frame.color_trc in _HDR else frame.color_trc
            mapped = {"dst_color_trc": curve, "dst_color_primaries": ColorPrimaries.BT709}
        try:
            converted = self._reformatter.reformat(
                frame, width, height, layout, interpolation=Interpolation.BICUBIC, **mapped
            )
            return converted.to_ndarray()
        except (av.FFmpegError, ValueError) as error:
            raise VideoError(f"a frame of the format {frame.format.name} cannot be converted to RGB") from error


def shown_size(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """Size of a stored frame with square pixels, enlarged along one axis as browsers do.

    Args:
        width: stored, in pixels.
        height: likewise.
        aspect: width of a pixel over its height.
    """
    return (round(width * aspect), height) if aspect >= 1 else (width, round(height / aspect))


def pixel_aspect(stream: VideoStream) -> Fraction:
    """Width of a pixel over its height; 1 where the file does not say it."""
    return Fraction(stream.sample_aspect_ratio or 1)


def is_clip(path: Path) -> bool:
    """Whether a file begins as a clip does, whatever its name; so do photos of the kinds AVIF and HEIC."""
    return _kind_of(path) is not None


def _kind_of(path: Path) -> str | None:
    """FFmpeg's reader of a file, by its first bytes; None if it is no clip."""
    with path.open("rb") as file:
        head = file.read(12)
    return next((kind for kind, (at, marks) in _SIGNATURES.items() if head[at:].startswith(marks)), None)


@contextmanager
def opened(path: Path, *, max_pixels: int = 2**31 - 1, max_samples: int | None = None) -> Iterator[Opened]:
    """Open a video.

    Args:
        path: the file: MP4, MOV, WebM, MKV or AVI by its first bytes.
        max_pixels: larger frames are not decoded.
        max_samples: of pictures or sound, for which memory is reserved; None for any number.

    Yields:
        The file and its stream of pictures.

    Raises:
        VideoError: if it is no such file, damaged, beyond a limit, or without a picture that can be decoded.
    """
    name, kind = printable(path.name), _kind_of(path)
    if kind is None:
        raise VideoError(f"{name} is not a clip that can be read: expected {KINDS}")
    if kind == "mov" and max_samples is not None and (samples := announced_samples(path)) > max_samples:
        raise VideoError(f"{name} announces {samples:,} samples of pictures or sound: at most {max_samples:,} are read")
    options = {"protocol_whitelist": "file", "max_pixels": str(max_pixels)}
    try:
        # Neither the protocol nor the format is left to guess, and titles in any encoding stop nothing.
        container = av.open(f"file:{path}", format=kind, options=options, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        raise VideoError(f"{name} is damaged or cut off and cannot be read: save or upload it again") from error
    with container:
        stream = container.streams.best("video")
        if stream is None:
            raise VideoError(f"{name} holds no pictures: expected a clip ({KINDS})")
        if stream.codec_context is None:
            raise VideoError(f"{name} holds video that cannot be decoded here: save it as H.264 in an MP4 file")
        stream.codec_context.options = {"max_pixels": str(max_pixels)}
        # Not by frame: what a damaged frame leaves behind would depend on the number of threads.
        stream.thread_type = "SLICE"
        yield container, stream


def read_timeline(container: InputContainer, stream: VideoStream, most: int | None = None) -> Timeline:
    """Read the times of the frames, without decoding one.

    Args:
        container: newly opened.
        stream: its video.
        most: reading stops after one frame more; None reads all.
    """
    durations: dict[int | None, int] = {}  # of the frames that are shown, by time, in ticks
    places: dict[int | None, int] = {}
    packets, end = 0, 0.0
    in_order = container.format.name == "avi" and bool(stream.codec_context.has_b_frames)
    for packet in _packets(container):
        stamp = packet.dts if in_order or packet.pts is None else packet.pts
        if stamp is not None:
            end = max(end, float((stamp + (packet.duration or 0)) * packet.time_base))
        if packet.stream.index != stream.index:
            continue
        if not (packet.is_discard or _is_hidden(packet, stream)):
            durations[stamp], places[packet.pts] = packet.duration or 0, packets
        packets += 1
        if most is not None and len(durations) > most:
            break
    if not durations:
        return Timeline((), 0.0, 0, {}, in_order)
    tick = stream.time_base
    if None in durations:  # no times at all
        in_order, durations = True, dict.fromkeys(range(packets), 0)
        tick = 1 / (stream.average_rate or Fraction(_USUAL_RATE))
    shown = sorted(durations)
    if not in_order:
        places = {stamp: number for number, stamp in enumerate(shown)}
    times = tuple(float((stamp - shown[0]) * tick) for stamp in shown)
    seconds = times[-1] + (float(durations[shown[-1]] * tick) or _usual_step(times, stream))
    lost = _lost(container, stream, packets, end, seconds / len(times))
    return Timeline(times, seconds, lost, places, in_order)


def decode(container: InputContainer, stream: VideoStream, timeline: Timeline) -> Iterator[Picture]:
    """Every frame that is shown and can be decoded, in order.

    Args:
        container: newly opened.
        stream: its video.
        timeline: of the same file.
    """
    aspect, reformatter = pixel_aspect(stream), VideoReformatter()
    last, key, damaged = -1, 0, {-1}
    for frame in _decoded(container, stream):
        if isinstance(frame, int):
            damaged.add(frame)
            continue
        number = timeline.places.get(frame.pts)
        if timeline.in_order:
            place = number if frame.key_frame else None
            key = key if place is None else place
            number = _next_number(last, damaged, place)
        if number is not None and number < len(timeline.times):
            last = number
            sure = not frame.is_corrupt and (not timeline.in_order or frame.key_frame or key > max(damaged))
            yield Picture(number, timeline.times[number], sure, frame, aspect, reformatter)


def _next_number(last: int, damaged: set[int], place: int | None) -> int:
    """Number of a frame after the last one, from frames that come in order and whose places may be damaged.

    Args:
        last: number of the frame before.
        damaged: places of packets that could not be decoded.
        place: of the frame's packet, if it is a key frame: all frames before it were decoded, or are lost.
    """
    number = last + 1
    while number in damaged:
        number += 1
    return number if place is None else max(number, place)


def _packets(container: InputContainer) -> Iterator[av.Packet]:
    """All packets of a file with something in them, those behind damaged pieces, too."""
    for _ in range(_MOST_DAMAGES):
        try:
            # An empty packet would end the decoding.
            yield from (packet for packet in container.demux() if packet.size)
        except av.FFmpegError:
            continue
        return


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame | int]:
    """The frames in order of being shown; the place of a packet that cannot be decoded, in order of decoding."""
    pictures = (packet for packet in _packets(container) if packet.stream.index == stream.index)
    for place, packet in enumerate(pictures):
        try:
            yield from stream.decode(packet)
        except av.FFmpegError:  # noqa: PERF203 - each packet may be damaged
            yield place
    try:
        yield from stream.decode(None)
    except av.FFmpegError:
        return


def _is_hidden(packet: av.Packet, stream: VideoStream) -> bool:
    """Whether a packet of VP8 holds a frame that is only there for others to refer to."""
    return stream.codec_context.codec.name in {"vp8", "libvpx"} and not memoryview(packet)[0] & _VP8_SHOWN


def _usual_step(times: tuple[float, ...], stream: VideoStream) -> float:
    """Seconds of a frame that does not say how long it is shown."""
    if len(times) > 1:
        return median(later - earlier for earlier, later in pairwise(times))
    return float(1 / (stream.average_rate or _USUAL_RATE))


def _lost(container: InputContainer, stream: VideoStream, packets: int, end: float, step: float) -> int:
    """Frames that a file announces behind those that it holds.

    Args:
        container: the file.
        stream: its video.
        packets: of the video that were found.
        end: seconds at which the last packet of any stream ends.
        step: seconds of a frame.
    """
    if container.format.name.startswith("mov"):
        return max(0, len(stream.index_entries) - packets)  # after the edit list
    if container.format.name == "avi":
        announced, slack = float(stream.frames * stream.time_base), step / 2  # its duration is estimated after a cut
    else:
        announced, slack = (container.duration or 0) / av.time_base, _SLACK_SECONDS
    return round((announced - end) / step) if announced - end > slack else 0


def _display_matrix(frame: VideoFrame) -> np.ndarray:
    """(2, 2) int32 fixed point: rows say where the file wants the frame's x axis and y axis, by x and y."""
    data = frame.side_data.get("DISPLAYMATRIX")
    return np.eye(2, dtype=np.int32) if data is None else np.frombuffer(data, np.int32).reshape(3, 3)[:2, :2]


def _lies(matrix: np.ndarray) -> bool:
    """Whether a display matrix turns a frame by a quarter, or nearly."""
    (x_by_x, y_by_x), (x_by_y, y_by_y) = matrix.tolist()
    return abs(y_by_x) + abs(x_by_y) > abs(x_by_x) + abs(y_by_y)


def _turned(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """An image turned by quarters and mirrored, as near as that comes to the display matrix."""
    if _lies(matrix):
        image, matrix = image.swapaxes(0, 1), matrix[::-1]
    along_x, along_y = matrix.diagonal()
    return np.ascontiguousarray(image[:: -1 if along_y < 0 else 1, :: -1 if along_x < 0 else 1])
