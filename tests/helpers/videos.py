"""Videos of every kind, made by PyAV; each frame shows its number."""

import struct
from fractions import Fraction

import av
import cv2
import numpy as np

STEP = 4  # pixels by which the bar moves from frame to frame


def bar(number, size=(160, 96)):
    """(H, W, 3) a white bar on grey, whose place is the number."""
    image = np.full((size[1], size[0], 3), 60, np.uint8)
    image[:, STEP * number : STEP * (number + 2)] = 255
    return image


def shown_number(image):
    """The number that a frame shows."""
    return round((np.flatnonzero(image[:, :, 0].mean(0) > 150).mean() + 0.5) / STEP - 1)


def encode(
    path, pictures, codec="libx264", layout="yuv420p", rate=25, stamps=None, options=None, muxer=None, sound=0, **fields
):
    """Write RGB pictures (H, W, 3), all of one size; ``fields`` are fields of the codec and of every frame.

    ``stamps`` are the times of the frames, in 1/rate seconds; ``sound`` lasts seconds; ``muxer`` has its own options.
    """
    kind = options or ({"preset": "ultrafast", "g": "5"} if codec == "libx264" else {})
    with av.open(str(path), "w", options=muxer or {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.options = layout, kind
        for name, value in fields.items():
            setattr(stream.codec_context, name, value)
        if sound:
            add_sound(container, sound)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(format=layout)
            for name in {"color_trc", "color_primaries", "colorspace", "color_range"} & set(fields):
                setattr(frame, name, fields[name])
            frame.pts = number if stamps is None else stamps[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def add_sound(container, seconds):
    """Give a file that is being written a stream of silence, after those of its pictures."""
    stream = container.add_stream("aac", rate=44100)
    silence = np.zeros((1, round(44100 * seconds)), np.float32)
    frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
    frame.sample_rate = 44100
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def patch(path, edit):
    """Change the bytes of a file in place."""
    data = bytearray(path.read_bytes())
    edit(data)
    path.write_bytes(data)
    return path


def set_matrix(path, x_axis, y_axis):
    """Give an MP4 a display matrix: where its x axis and its y axis point, as (right, down)."""
    plain = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    (a, b), (c, d) = x_axis, y_axis
    turned = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)

    def edit(data):
        assert data.count(plain) == 2  # of the film and of the track: the track's is the later one
        start = data.rindex(plain)
        data[start : start + len(plain)] = turned

    return patch(path, edit)


def set_edit(path, skipped, shown):
    """Trim an MP4 by its edit list: seconds that are skipped at the start, and seconds that are shown."""
    with av.open(str(path)) as container:
        ticks = 1 / container.streams.video[0].time_base

    def edit(data):
        at = data.index(b"elst") + 12
        _, start = struct.unpack_from(">Ii", data, at)
        struct.pack_into(">Ii", data, at, round(shown * 1000), start + round(skipped * ticks))

    return patch(path, edit)


def packets(path):
    """Place in the file and size of each packet, in order of decoding."""
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def damage(path, numbers):
    """Overwrite those packets with noise; of a Matroska, all but the heads of their blocks."""
    noise, head = np.random.default_rng(0), 16 if path.suffix == ".mkv" else 0
    places = [(place + head, size - head) for place, size in packets(path)]

    def edit(data):
        for number in numbers:
            start, size = places[number]
            data[start : start + size] = noise.bytes(size)

    return patch(path, edit)


def cut(path, share):
    """Leave only the first part of a file."""
    path.write_bytes(path.read_bytes()[: round(share * path.stat().st_size)])
    return path


def change_size(path, sizes):
    """A Motion JPEG whose frames have these sizes (width, height)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        (stream.width, stream.height), stream.pix_fmt = sizes[0], "yuvj420p"
        for number, size in enumerate(sizes):
            packet = av.Packet(cv2.imencode(".jpg", np.full((size[1], size[0], 3), 200, np.uint8))[1].tobytes())
            packet.pts = packet.dts = number
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 25), stream, True
            container.mux(packet)
    return path
