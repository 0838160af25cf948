"""Files of COCO's labels: photos and annotations by their numbers, checked as far as every reader needs them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from train.data.readers.checks import entries_of, member_path, numbers, read_json, whole_number
from train.data.readers.records import LayoutError, Place

SECTION = "COCO"


@dataclass(frozen=True)
class CocoPhoto:
    """A photo.

    Attributes:
        path: of the picture.
        size: width and height that the labels say.
    """

    path: Path
    size: tuple[int, int]


@dataclass(frozen=True)
class CocoLabels:
    """A file.

    Attributes:
        path: of the file.
        photos: by their number, sorted by it.
        annotations: sorted by their number; each has an int ``id``, and the ``image_id`` of a photo.
        categories: as they stand in the file, empty without.
    """

    path: Path
    photos: dict[int, CocoPhoto]
    annotations: list[dict[str, Any]]
    categories: list[dict[str, Any]]

    def place(self, annotation: dict[str, Any]) -> Place:
        """Where an annotation stands."""
        return Place(self.path, SECTION, f"person {annotation['id']} in photo {annotation['image_id']}")

    def person_categories(self) -> list[dict[str, Any]]:
        """The categories called person."""
        return [entry for entry in self.categories if str(entry.get("name")).strip().lower() == "person"]

    @staticmethod
    def box(annotation: dict[str, Any], place: Place) -> np.ndarray | None:
        """(4,) x, y of a corner, width and height; None if it is missing or null; LayoutError if it is something else.

        Corners lie between pixels: the top-left one of a photo is (0, 0).
        """
        if annotation.get("bbox") is None:
            return None
        return numbers(annotation["bbox"], 4, "its box", "x, y, width and height", place)


def photo_folder(source: Path, part: str) -> Path:
    """Where the photos of a part lie: beside ``annotations``, or under ``images``; LayoutError if nowhere."""
    for folder in (source / part, source / "images" / part):
        if folder.is_dir():
            return folder
    raise LayoutError(source / part, "there is no such folder", f"the photos of {part}.zip, unpacked", SECTION)


def read_labels(path: Path, folder: Path) -> CocoLabels:
    """Read a file whose photos lie in a folder.

    Raises:
        LayoutError: if it is not COCO's, or its photos and annotations do not fit each other.
    """
    data = read_json(path, "COCO's 'images' and 'annotations'", SECTION)
    photos = {}
    for number, entry in sorted(entries_of(data, "images", path, SECTION).items()):
        place = Place(path, SECTION, f"photo {number}")
        size = whole_number(entry, "width", place, least=1), whole_number(entry, "height", place, least=1)
        photos[number] = CocoPhoto(member_path(folder, entry.get("file_name"), place), size)
    annotations = [entry for _, entry in sorted(entries_of(data, "annotations", path, SECTION).items())]
    for entry in annotations:
        photo = whole_number(entry, "image_id", Place(path, SECTION, f"person {entry['id']}"))
        if photo not in photos:
            found = f"photo {photo} is not listed, which person {entry['id']} is in"
            raise LayoutError(path, found, "every person's photo", SECTION)
        entry["image_id"] = photo
    categories = data.get("categories", [])
    if not isinstance(categories, list) or not all(isinstance(entry, dict) for entry in categories):
        raise LayoutError(path, "'categories' is no list of objects", "the categories of COCO", SECTION)
    return CocoLabels(path, photos, annotations, categories)
