"""Rendered people: how shots frame them, projection, placement, photos behind them; pictures and their labels."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.helpers.earlier import assert_as_before
from tests.helpers.motion import posture
from train import synthesize
from train.synthesis import textures
from train.synthesis.backgrounds import PhotoFolder
from train.synthesis.camera import Shot, draw_shot, frame, look_at
from train.synthesis.dataset import Settings
from train.synthesis.lens import draw_lens
from train.synthesis.lighting import shadow_matrix
from train.synthesis.pictures import PictureMaker
from train.synthesis.props import box
from train.synthesis.renderer import Renderer
from train.synthesis.scene import compose
from train.synthesis.surface import Material
from train.synthesis.wardrobe import draw_outfit

SIZE = 128


def scene_of(pack, seed, **kwargs):
    return compose(np.random.default_rng(seed), pack, [(pack.person(seed), posture({}), "")], size=SIZE, **kwargs)


def test_points_are_rendered_where_the_camera_projects_them(pack, renderer):
    scene = scene_of(pack, 1)
    camera = look_at(np.array([900.0, 1500.0, 2500.0]), np.array([0.0, 800.0, 0.0]), 0.2, 150.0, (SIZE, SIZE))
    points = np.array([[0.0, 800, 0], [350, 1200, 100], [-300, 500, -400], [200, 300, 300]])
    surfaces = [replace(box(point, (40.0, 40.0, 40.0), 0), person=n) for n, point in enumerate(points, 1)]
    drawn = renderer.render(replace(scene, camera=camera, surfaces=surfaces, materials=[Material((0.5, 0.5, 0.5))]))
    pixels, seen = camera.project(points)
    for number, (pixel, place) in enumerate(zip(pixels, seen, strict=True), 1):
        rows, columns = np.nonzero(drawn.person == number)
        assert np.abs([columns.mean() - pixel[0], rows.mean() - pixel[1]]).max() < 0.5
        depth = drawn.depth[drawn.person == number]
        assert place[2] - 45 < depth.min() < depth.max() < place[2] + 45
    assert np.isinf(drawn.depth[drawn.person == 0]).all()


def test_what_cannot_be_rendered_is_refused(pack, renderer):
    scene = scene_of(pack, 1)
    with pytest.raises(ValueError, match="192 materials, this one has 193"):
        renderer.render(replace(scene, materials=[Material((0.5, 0.5, 0.5))] * 193))
    with pytest.raises(ValueError, match="takes 128 x 64 pixels, the renderer 128 x 128"):
        renderer.render(replace(scene, camera=replace(scene.camera, height=64)))
    for size, supersample in ((15, 1.4), (64, 0.9)):
        with pytest.raises(ValueError, match=f"not {size}, {supersample}"):
            Renderer(size, supersample)


@pytest.mark.slow
def test_scenes_are_as_before(pack, library):
    generator, made = np.random.default_rng(2), []
    for number in range(36):
        samples = [library.draw(generator, "train") for _ in range(1 + number % 3 // 2)]
        people = [(pack.person(9 * number + k), one.rotations, one.support) for k, one in enumerate(samples)]
        scene = compose(generator, pack, people, size=SIZE, plain=number % 9 == 8)
        packed = [material.packed() for material in scene.materials]
        made.append([replace(scene, people=[replace(person, dressed=None) for person in scene.people]), packed])
        made.append(shadow_matrix(scene.light, scene.center, scene.radius))
    assert_as_before("scenes", made, near=2e-3)


@pytest.mark.slow
def test_outfits_lenses_and_textures_are_as_before(pack):
    generators = [np.random.default_rng(seed) for seed in range(40)]
    people = map(pack.person, range(0, 3000, 75))
    outfits = [draw_outfit(generator, pack, person) for generator, person in zip(generators, people, strict=True)]
    lenses = [draw_lens(generator, 2500.0) for generator in generators]
    image = generators[0].integers(0, 255, (48, 64, 3), np.uint8)
    depth = np.tile(np.linspace(1000, 20_000, 64, dtype=np.float32), (48, 1))
    photos = [lens.develop(image, depth) for lens in lenses]
    assert_as_before("looks", [outfits, lenses, photos, textures.noise_volume(), list(textures.sheets())])


def test_photos_are_put_behind_people(pack, renderer, tmp_path):
    photo = np.zeros((300, 1400, 3), np.uint8)
    photo[..., 0] = 200 - np.arange(300)[:, None] // 6 + np.arange(1400) // 28  # blue as OpenCV stores it
    cv2.imwrite(str(tmp_path / "plain.png"), photo)
    cv2.imwrite(str(tmp_path / "tall.png"), np.tile(photo, (5, 1, 1)))
    folder = PhotoFolder(tmp_path)
    assert_as_before("photos", [folder.draw(np.random.default_rng(seed), 32) for seed in range(20)])
    scenes = (scene_of(pack, seed, backgrounds=folder) for seed in range(20))
    scene = next(one for one in scenes if one.photo is not None)
    plain = replace(scene.lens, saturation=1.0, noise=0.0, balance=(1.0, 1.0, 1.0), contrast=1.0)
    drawn = renderer.render(replace(scene, lens=plain))
    tiles = cv2.resize(drawn.image * 1.0, (4, 4), interpolation=cv2.INTER_AREA)
    assert_as_before("before a photo", tiles, near=0.02)


FRAME = (200, 200)


def test_shots_of_people_are_as_before():
    generator, shots = np.random.default_rng(1), []
    for _ in range(200):
        points, shot = generator.normal(size=(17, 3)) * [150, 450, 150], draw_shot(generator, (0.6, 0.9))
        camera = frame(shot, points - [0, points[:, 1].min(), 0], FRAME, -np.inf)
        shots.append((shot, camera, camera.clip_matrix()))
    assert_as_before("shots", shots)


def test_who_stands_low_in_the_photo_is_seen_from_above_by_a_level_camera():
    points = np.array([[0.0, 0, 0], [0, 1700, 0], [300, 900, 0], [-300, 900, 0]])
    level = Shot(0.0, 0.0, 0.0, 25.0, 0.5, (0.0, 0.0), part=0.4, axis=(0.0, -0.7))
    camera = frame(level, points, FRAME, -np.inf)
    assert camera.rotation[2, 1] == pytest.approx(0)
    assert camera.position[1] > 1000, "the person is below the optical axis"
    np.testing.assert_allclose(camera.project(points)[1][0, 2], camera.project(points)[1][1, 2])


SETTINGS = Settings(count=16, seed=11, size=128, split="train")


@pytest.mark.slow
def test_pictures_and_labels_are_as_before_and_the_same_number_gives_the_same(renderer):
    maker = PictureMaker(renderer, SETTINGS)
    made = [maker(index) for index in range(SETTINGS.count)]
    images = [cv2.resize(picture.image * 1.0, (4, 4), interpolation=cv2.INTER_AREA) for picture in made]
    assert_as_before("pictures", images, near=0.02)  # drivers differ
    assert_as_before("labels", [replace(picture, image=None) for picture in made])
    other = PictureMaker(renderer, SETTINGS)(5)
    np.testing.assert_array_equal(made[5].image, other.image)
    assert repr(other.people) == repr(made[5].people)
    plain = PictureMaker(renderer, replace(SETTINGS, plain=True, split="validation"))
    assert_as_before("plain labels", [plain(index).people for index in range(8)])


def test_the_command_draws_with_its_photos_and_postures(renderer, tmp_path, monkeypatch):
    monkeypatch.setattr("train.synthesis.renderer.Renderer", {SETTINGS.size: renderer}.__getitem__)
    none = tmp_path / "none.npz"
    for motions, photos, error in ((None, tmp_path, "no photos"), (none, None, r"none\.npz not found")):
        with pytest.raises(FileNotFoundError, match=error):
            synthesize._maker(SETTINGS, motions, photos)
