"""Photos in which a joint can be found again: a bright dot on noise."""

import cv2
import numpy as np

DOT = (190, 220, 255)  # blue, green, red


def write_photo(path, width, height, dots=()):
    """A noisy photo with bright dots of three pixels' radius."""
    image = np.random.default_rng(width + height).integers(0, 70, (height, width, 3), np.uint8)
    for x, y in dots:
        cv2.circle(image, (round(x), round(y)), 3, DOT, -1)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def write_video(path, frames, width, height, dots):
    """A video whose frame i shows a bright dot at ``dots(i)``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    code = "XVID" if path.suffix == ".avi" else "mp4v"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 50, (width, height))
    assert writer.isOpened()
    for number in range(frames):
        image = np.full((height, width, 3), 30, np.uint8)
        x, y = dots(number)
        cv2.circle(image, (round(x), round(y)), 4, DOT, -1)
        writer.write(image)
    writer.release()


def brightest(photo):
    """x, y of the middle of the bright pixels of (H, W, 3) RGB."""
    rows, columns = np.nonzero(photo.min(2) > 150)
    assert len(rows), "no dot is to be seen"
    red, _, blue = photo[rows, columns].mean(0)
    assert red > blue + 20
    return np.array([columns.mean(), rows.mean()])
