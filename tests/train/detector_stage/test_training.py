"""What the detector is trained on."""

from tests.helpers.fake_data import write_pack
from tests.helpers.scene_files import write_scene_pack, write_voc
from train.detector_stage.scene_samples import SceneSampler


def test_no_photo_is_trained_on_that_a_data_set_holds_out(printed, tmp_path, monkeypatch):
    """Of a pack of people, a pack of scenes that shares photos with it, and VOC as it is distributed."""
    data, taken = tmp_path / "data", []

    class Recording(SceneSampler):
        def __init__(self, scenes, *arguments, **options):
            super().__init__(scenes, *arguments, **options)
            taken.append((sorted(scenes.original[~scenes.validation]), len(self)))

    monkeypatch.setattr("train.detector.SceneSampler", Recording)
    monkeypatch.setattr("train.detector._VALIDATION", 4)
    names = write_pack(data, "mpii", 8, held_out=2)["name"]  # the last two
    shared = [str(names[row]).replace(".webp", ".jpg") for row in (0, 7, 1)]
    write_scene_pack(data, "", ["mpii"] * 3, shared, [True, False, False])
    write_voc(tmp_path / "in")
    printed("prepare", "voc", "--source", tmp_path / "in", "--out", data, "--workers", 1)
    small = ("--input-size", 64, "--width", 8, "--batch", 2, "--steps", 2, "--validate-every", 2)
    out = printed("detector", "--data", data, "--run", tmp_path / "run", *small)
    assert "held out in some data set: 1 people (mpii 1), 1 whole photos" in out
    assert "with 3 whole photos and 5 people" in out
    assert taken == [(sorted([shared[2], "2008_000001.jpg", "2008_000002.jpg"]), 3)]
