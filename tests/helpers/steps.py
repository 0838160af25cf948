"""Driving the generators of ``demo.video.pipeline``."""


def finished(steps, progress=None):
    """Drive steps to their end; what they yield is appended to ``progress``, what they return is returned."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        if progress is not None:
            progress.append(step)
