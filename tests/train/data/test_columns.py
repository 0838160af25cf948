"""Arrays and archives from elsewhere: what is damaged or does not fit is refused by name wherever it is read."""

import zipfile

import numpy as np
import pytest

from tests.helpers.fake_data import write_pack
from train.data.readers.people import read_people


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"box": np.full((2, 4), np.nan)}, "array box holds NaN or infinity in row 0"),
        ({"box": np.array([[0, 0, 9, 9], [5, 5, 5, 9]], float)}, "array box has an empty box in row 1, [5.0, 5.0, 5.0"),
        ({"name": np.array([1, 2])}, "array name holds int64, expected text"),
        ({"joints": np.full((2, 16, 3), "x")}, "array joints holds <U1, expected numbers"),
        ({"name": np.array("p000.webp")}, "array name has shape (), expected (1,)"),
        ({"teacher_2d": np.zeros((2, 17, 3))}, "array teacher_2d has shape (2, 17, 3), expected (2, 19, 3)"),
        ({"name": np.array(["a", None], object)}, "allow_pickle=False"),
    ],
)
def test_labels_of_people_that_are_wrong(changes, words, tmp_path):
    path = tmp_path / "people_made.npz"
    np.savez(path, **write_pack(tmp_path, "made", 2, held_out=1) | changes)
    with pytest.raises(ValueError, match="people_made") as error:
        read_people(path)
    assert words in str(error.value)


def test_packs_of_people_with_missing_or_damaged_parts(tmp_path):
    arrays = write_pack(tmp_path, "made", 2, held_out=1)
    labels, archive = tmp_path / "people_made.npz", tmp_path / "people_made.zip"
    with zipfile.ZipFile(archive, "w") as emptied:
        emptied.writestr("p001.webp", b"")
    with pytest.raises(ValueError, match="made: photo 1 cannot be decoded"):
        read_people(labels).photo(1)
    for content in (archive.read_bytes(), b"no archive"):
        archive.write_bytes(content)
        with pytest.raises(ValueError, match=r"people_made\.zip: photo p000\.webp cannot be .*copy the archive again"):
            read_people(labels).photo(0)
    content = labels.read_bytes()
    for kept in (0, len(content) // 2):
        labels.write_bytes(content[:kept])
        with pytest.raises(ValueError, match=r"people_made\.npz is damaged or no npz file"):
            read_people(labels)
    np.savez(labels, **{name: array for name, array in arrays.items() if name not in ("teacher_3d", "box")})
    with pytest.raises(ValueError, match="has no array box, teacher_3d; it has name, validation"):
        read_people(labels)
    archive.unlink()
    with pytest.raises(FileNotFoundError, match=r"people_made\.zip not found: a pack of people is an npz"):
        read_people(labels)
