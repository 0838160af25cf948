"""Pictures made of scenes: the people lie in their boxes, whatever is done to the photo; whose photos these are."""

import numpy as np

from tests.helpers.earlier import assert_as_before
from tests.helpers.fake_data import write_pack
from tests.helpers.scene_files import made_scenes, write_scene_pack, write_voc
from train.detector_stage.scene_samples import SceneSampler
from train.engine.provenance import read_provenance

SIZE = 128
PEOPLE = [(20, 10, 50, 90)]


def drawn(scenes, count=60):
    sampler = SceneSampler(scenes, SIZE)
    return [sampler.make(np.random.default_rng(seed)) for seed in range(count)]


def white(sample, where):
    """People are white in photos of grey: how many of their pixels lie in cells of such trust."""
    return int((np.kron(where(sample.trust), np.ones((8, 8), bool)) & (sample.image.min(-1) > 200)).sum())


def test_people_fill_their_boxes():
    """All of the white lies in boxes, or where nothing is to be learnt."""
    boxes = 0
    for sample in drawn(made_scenes(PEOPLE, [], source=["stanford40", "sun"], shape=(100, 140))):
        assert sample.image.shape == (SIZE, SIZE, 3)
        total, outside = white(sample, lambda trust: trust >= 0), sample.image.copy()
        for x0, y0, x1, y1 in sample.boxes:
            assert -0.5 <= min(x0, y0) < max(x1, y1) <= SIZE - 0.5
            part = (slice(round(y0 + 0.5), round(y1 + 0.5) + 1), slice(round(x0 + 0.5), round(x1 + 0.5) + 1))
            assert (sample.image[part].min(-1) > 200).mean() > 0.6, "turned a little, a rectangle no longer fills it"
            outside[part] = 0
            boxes += 1
        sample.image = outside
        assert white(sample, lambda trust: trust > 0) < 0.15 * max(total, 60)
    assert boxes > 40


def test_the_body_axis_turns_with_the_photo():
    """Of tall boxes in sets whose people in such boxes stand; who lies does so in a photo turned by a right angle."""
    standing, unknown = (
        drawn(made_scenes(PEOPLE, source=[name], shape=(100, 140)), 300) for name in ("stanford40", "mpii")
    )
    axes, boxes = (np.concatenate([getattr(one, name) for one in standing]) for name in ("axes", "boxes"))
    known = axes.any(1)
    assert known.sum() > 100
    assert np.allclose(np.linalg.norm(axes[known], axis=1), 1, atol=1e-5)
    assert (axes[known, 0] > 0.999).mean() > 0.7
    width, height = (boxes[:, 2:] - boxes[:, :2])[np.abs(axes[:, 1]) > 0.9].T
    assert len(width) > 3
    assert (width > height).all()
    assert not any(sample.axes.any() for sample in unknown)


def test_the_unsure_are_neither_found_nor_background():
    for sample in drawn(made_scenes(PEOPLE, unsure={0}, shape=(100, 140)), 20):
        assert not len(sample.boxes)
        assert white(sample, lambda trust: trust > 0) < 0.25 * max(white(sample, lambda trust: trust >= 0), 60)


def test_pictures_are_drawn_as_before():
    people = [(20, 10, 50, 90), (60, 40, 80, 99), (200, 3, 212, 30)]
    made = made_scenes(people, [], people, source=["stanford40", "sun", "coco"], shape=(120, 260))
    made.unsure[0][1], made.validation[2] = True, True
    assert_as_before("scenes", drawn(made, 80), 0.01, "stages.json")


def test_nobody_is_nobody():
    sampler = SceneSampler(made_scenes(PEOPLE, [], [], source=["coco"] * 3), SIZE)
    assert (len(sampler), len(sampler.nobody)) == (3, 2)
    assert all(photo.max() < 200 for photo in sampler.nobody)


def test_no_photo_is_trained_on_that_a_data_set_holds_out(printed, tmp_path, monkeypatch):
    """Of a pack of people, a pack of scenes that shares photos with it, and VOC as it is distributed."""
    data, taken = tmp_path / "data", []

    class Recording(SceneSampler):
        def __init__(self, scenes, *arguments):
            super().__init__(scenes, *arguments)
            taken.append((sorted(scenes.original[~scenes.validation]), len(self)))

    monkeypatch.setattr("train.detector.SceneSampler", Recording)
    names = write_pack(data, "mpii", 8, held_out=2)["name"]  # the last two
    shared = [str(names[row]).replace(".webp", ".jpg") for row in (0, 7, 1)]
    write_scene_pack(data, "", ["mpii"] * 3, shared, [True, False, False])
    write_pack(data, "synthetic", 4, held_out=1)  # who are not for the detector
    write_voc(tmp_path / "in")
    printed("prepare", "voc", "--source", tmp_path / "in", "--out", data, "--workers", 1)
    small = ("--input-size", 64, "--width", 8, "--batch", 2, "--steps", 2, "--validate-every", 2)
    out = printed("detector", "--data", data, "--run", tmp_path / "run", *small)
    assert "held out in some data set: 1 people (mpii 1), 1 whole photos" in out
    assert "with 3 whole photos and 5 people" in out
    assert read_provenance(tmp_path / "run", "detector")["people"] == {"mpii": 5, "scenes": 3}
    assert taken == [(sorted([shared[2], "2008_000001.jpg", "2008_000002.jpg"]), 3)]
