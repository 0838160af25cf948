"""Whole photos with everyone boxed: tiny VOC and COCO as distributed, and packs of scenes."""

import json
import zipfile
from xml.sax.saxutils import escape

import cv2
import numpy as np

from tests.helpers.fake_data import encoded
from train.data.scenes import Scenes

# A person of 100 x 100 pixels: the first and the last column and row that they fill.
PERSON = (100, 50, 199, 149)
PHOTOS = {  # size, people by their pixels with VOC's marks, split
    "2008_000001": ((600, 450), [(PERSON, "")], "train"),
    "2008_000002": ((300, 200), [], "train"),
    "2008_000003": ((500, 400), [((0, 0, 99, 399), "truncated"), ((400, 300, 409, 319), "difficult")], "val"),
}


def write_boxed(path, size, people):
    """A dark photo in which the pixels of every person are bright, and less so in blue."""
    image = np.full((size[1], size[0], 3), 30, np.uint8)
    for x0, y0, x1, y1 in people:
        image[y0 : y1 + 1, x0 : x1 + 1] = 215, 235, 255
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 100])


def voc_object(name, pixels, mark=""):
    """An object of an annotation, coordinates from 1."""
    box = "".join(f"<{side}>{n + 1}</{side}>" for side, n in zip(("xmin", "ymin", "xmax", "ymax"), pixels, strict=True))
    marks = "".join(f"<{flag}>{int(mark == flag)}</{flag}>" for flag in ("truncated", "difficult"))
    part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
    return f"<object><name>{escape(name)}</name>{part}{marks}<bndbox>{box}</bndbox></object>"


def write_voc(folder, year="VOC2012", photos=None):
    """``VOCdevkit/<year>`` with these photos, each with a dog besides; returns its folder."""
    root, photos = folder / "VOCdevkit" / year, PHOTOS if photos is None else photos
    lists = {"train": [], "val": []}
    for name, (size, people, split) in photos.items():
        lists[split].append(name)
        write_boxed(root / "JPEGImages" / f"{name}.jpg", size, [pixels for pixels, _ in people])
        objects = [voc_object("dog", (10, 10, 20, 20)), *(voc_object("person", *person) for person in people)]
        shape = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
        path = root / "Annotations" / f"{name}.xml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"<annotation><folder>{year}</folder>{shape}{''.join(objects)}</annotation>")
    (root / "ImageSets" / "Main").mkdir(parents=True)
    for split, names in lists.items():
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
    return root


def coco_person(number, photo, box, **changes):
    """An entry of ``annotations``; its category is that of :func:`write_coco_scenes`."""
    outline = {"segmentation": [[1, 2, 3, 4]], "area": 1.0}
    return {"id": number, "image_id": photo, "category_id": 1, "iscrowd": 0, "bbox": list(box)} | outline | changes


def write_coco_scenes(folder):
    """Two parts: a photo of a person, a crowd and a box without area, one of a dog; and a person to validate on."""
    person = (100, 50, 100, 100)
    crowd = {"iscrowd": 1, "segmentation": {"counts": [1], "size": [1, 1]}}
    train = [coco_person(1, 7, person), coco_person(2, 7, (300, 100, 200, 50), **crowd)]
    train += [coco_person(3, 7, (9.98, 188.56, 5.54, 0)), coco_person(4, 5, person, category_id=18)]
    parts = {"train2017": ({7: (600, 450), 5: (300, 200)}, train)}
    parts["val2017"] = ({9: (300, 200)}, [coco_person(5, 9, person)])
    for part, (sizes, annotations) in parts.items():
        images = []
        for number, (width, height) in sizes.items():
            images.append({"id": number, "file_name": f"{number:012d}.jpg", "width": width, "height": height})
            shown = [one for one in annotations if (one["image_id"], one["category_id"]) == (number, 1)]
            write_boxed(folder / part / images[-1]["file_name"], (width, height), [PERSON] if shown else [])
        categories = [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}]
        path = folder / "annotations" / f"instances_{part}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))


def write_scene_pack(folder, name, sources, originals, validation):
    """``scenes<name>.npz`` with its zip, photo i of so many people; its arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    count = len(originals)
    arrays = {
        "name": np.array([f"{row}.webp" for row in range(count)]),
        "size": np.tile([40, 30], (count, 1)),
        "box_start": np.cumsum([0, *range(count)]),
        "boxes": np.tile(np.array([1, 2, 11, 22], np.float32), (sum(range(count)), 1)),
        "box_flag": (np.arange(sum(range(count))) % 3).astype(np.int8),
        "split": np.where(validation, "validation", "train"),
        "source": np.array(sources),
        "original": np.array(originals),
    }
    np.savez(folder / f"scenes{name}.npz", **arrays)
    with zipfile.ZipFile(folder / f"scenes{name}.zip", "w") as archive:
        for row in range(count):
            archive.writestr(f"{row}.webp", encoded(np.full((30, 40, 3), 20 + 40 * row, np.uint8), "WEBP"))
    return arrays


def made_scenes(*people, source=None, unsure=(), validation=False, shape=(100, 100)):
    """Scenes of grey photos, one for each list of boxes, with white people; ``unsure`` numbers those of each photo."""
    photos = []
    for boxes in people:
        image = np.full((*shape, 3), 60, np.uint8)
        for x0, y0, x1, y1 in boxes:
            image[y0 : y1 + 1, x0 : x1 + 1] = 255
        photos.append(cv2.imencode(".png", image)[1].tobytes())
    count = len(people)
    edges = np.array([-0.5, -0.5, 0.5, 0.5])
    return Scenes(
        read=lambda row: photos[row],
        boxes=[(np.array(boxes, np.float32).reshape(-1, 4) + edges).astype(np.float32) for boxes in people],
        unsure=[np.array([number in unsure for number in range(len(boxes))], bool) for boxes in people],
        size=np.tile([shape[1], shape[0]], (count, 1)),
        source=np.array(source or ["coco"] * count),
        original=np.array([f"{number}.jpg" for number in range(count)]),
        validation=np.full(count, validation),
    )
