"""KTH Multiview Football II: text files and pictures as distributed, through the command."""

import numpy as np
import pytest

from fusion_model.skeletons import LSP_14
from tests.helpers.kth_files import CAMERAS, FRAMES, pose, write_sequence
from tests.helpers.photos import brightest
from train.data.cameras import project_affine
from train.data.prepared import open_prepared, read_prepared


@pytest.mark.parametrize("camera", ["1", "2"])
def test_poses_pictures_and_halves(camera, tmp_path, prepare):
    write_sequence(tmp_path / "in" / "player2sequence1" / "Sequence 1")
    options = [] if camera == "1" else ["--cameras", camera]
    printed = prepare("kth", tmp_path / "in", *options)
    assert "by split: test 3, train 2" in printed
    assert "by subject: player 2 5" in printed
    assert "found: player 2, sequence 1: player2sequence1/Sequence 1" in printed
    columns = open_prepared(tmp_path / "out").columns
    assert columns["sequence"].tolist() == ["player2sequence1"] * FRAMES
    assert columns["camera"].tolist() == [camera] * FRAMES
    assert np.allclose(columns["camera_values"], CAMERAS[int(camera) - 1].ravel())
    # In camera axes the picture is x and y: 100 pixels a metre, relative to the middle of the hips.
    hips = [LSP_14.index("left_hip"), LSP_14.index("right_hip")]
    seen = project_affine(pose(3), CAMERAS[int(camera) - 1])
    assert np.allclose(columns["joints_3d"][3, :, :2], 10 * (seen - seen[hips].mean(0)), atol=0.01)
    # Bones keep their length, and what is nearer to the camera has the smaller z.
    bones = np.linalg.norm(pose(3)[0] - pose(3)[1]) * 1000
    assert np.linalg.norm(columns["joints_3d"][3, 0] - columns["joints_3d"][3, 1]) == pytest.approx(bones, rel=1e-5)
    if camera == "1":  # which faces along body y
        assert np.allclose(columns["joints_3d"][3, :, 2], 1000 * (pose(3) - pose(3)[hips].mean(0))[:, 1], atol=0.01)
    loaded = read_prepared(tmp_path / "out")
    for row in range(FRAMES):
        assert np.abs(brightest(loaded.photo(row)) - loaded.joints[row, 15]).max() < 0.75
    assert loaded.pose_weight[0, 0] == 1  # pelvis: middle of the hips
    assert np.allclose(loaded.pose[:, 0], 0, atol=1e-3)


def test_wrong_files(tmp_path, prepare_error):
    folder = tmp_path / "in" / "player2sequence1" / "Sequence 1"
    write_sequence(folder)

    def error():
        return prepare_error("kth", tmp_path / "in")

    text = (folder / "positions2d.txt").read_text()
    (folder / "positions2d.txt").write_text(text[: len(text) // 2])
    assert "positions2d.txt:" in error()
    assert "expected a number a line, 84 a frame for 5 frames" in error()
    (folder / "positions2d.txt").write_text("x y z")
    assert "positions2d.txt: cannot be read" in error()
    (folder / "positions2d.txt").write_text(text)
    (folder / "Camera 1" / "00003.png").unlink()
    assert "00003.png: cannot be read" in error()
    (folder / "positions3d.txt").unlink()
    assert "there is no **/positions3d.txt" in error()
    assert "(see KTH Multiview Football II in docs/data.md)" in error()


def test_cameras_in_another_order_and_folders_without_a_name(tmp_path, prepare_error):
    write_sequence(tmp_path / "in" / "player2sequence1" / "Sequence 1", swap=True)
    assert "(ValueError: its cameras put the 3D joints" in prepare_error("kth", tmp_path / "in")
    write_sequence(tmp_path / "other" / "Sequence 1")
    assert "no folder names the player" in prepare_error("kth", tmp_path / "other")
