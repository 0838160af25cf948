"""Files as storms leave them: some bytes changed, a part lost, a part put in."""

import numpy as np


def mutated(content: bytes, generator: np.random.Generator) -> bytes:
    """Change a file at one to seven places, mostly in its head, then perhaps cut it or put bytes into it."""
    data = np.frombuffer(content, np.uint8).copy()
    reach = min(len(data), 300) if generator.random() < 0.5 else len(data)
    places = generator.integers(0, reach, generator.integers(1, 8))
    values = (
        generator.integers(0, 256, len(places)) if generator.random() < 0.7 else generator.choice([0, 127, 128, 255])
    )
    data[places] = values
    what, place = generator.integers(0, 4), generator.integers(1, len(data))
    if what == 0:
        return data[:place].tobytes()
    if what == 1:
        return data[:place].tobytes() + generator.bytes(generator.integers(1, 50)) + data[place:].tobytes()
    return data.tobytes()
