"""The pack of bodies: who is in it, where their joints are, how they follow a posture, how it is baked."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.helpers.earlier import assert_as_before
from tests.helpers.motion import SEATED, posture
from train.synthesis import bake
from train.synthesis.body import DEFAULT_PACK, PARTS, load_body, pose_body, pose_joints
from train.synthesis.body_people import draw_population
from train.synthesis.body_skin import _half
from train.synthesis.rig import RIG

CANONICAL = np.tile(np.eye(3), (len(RIG), 1, 1))
POSTURES = (  # degrees about the axes of the parent's canonical frame
    {"left_upper_arm": (0, 0, -70), "right_upper_arm": (0, 0, 70), "left_forearm": (0, -90, 0)},
    {"pelvis": (30, 20, 10), "chest": (20, 30, 0), "head": (10, 40, 0), "left_hand": (80, 0, 0)} | SEATED,
)


def test_splits_share_no_bodies(pack):
    train, held_out = (set(pack.subjects(split)) for split in ("train", "validation"))
    assert (len(held_out), train | held_out) == (600, set(range(3000)))
    assert not train & held_out


def test_bodies_have_the_stature_they_were_drawn(pack):
    skin, everyone = pack.vertex_part == PARTS.index("skin"), []
    for subject in range(0, len(pack), len(pack) // 12):
        person = pack.person(subject)
        vertices, joints = pose_body(pack, person, CANONICAL)
        assert np.ptp(vertices[skin, 1]) == pytest.approx(person.stature_mm, abs=6)
        everyone.append((person, vertices, joints))
    assert_as_before("bodies", everyone)


def test_posed_bodies_are_as_before_and_their_joints_those_of_their_skeleton(pack):
    posed = [_half(np.eye(3))]
    for rotations in [CANONICAL, *map(posture, POSTURES)]:
        vertices, joints = pose_body(pack, pack.person(2), rotations)
        np.testing.assert_allclose(pose_joints(pack.skeleton(2), rotations), joints, atol=1e-3)
        posed += [vertices, joints]
    assert_as_before("posed bodies", posed)


def test_a_damaged_pack_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"at .*/none\.npz; .*train\.synthesis\.bake --out .*/none\.npz"):
        load_body(tmp_path / "none.npz")
    (tmp_path / "cut.npz").write_bytes(DEFAULT_PACK.read_bytes()[:100000])
    with pytest.raises(ValueError, match="cannot be read"):
        load_body(tmp_path / "cut.npz")
    with np.load(DEFAULT_PACK) as stored:
        good = dict(stored)
    changes = {"weight is": {"weight": good["weight"][:-1]}, "cannot be": {"uv": np.array([None])}}
    changes |= {"part reaches from 1 to 5, expected 0 to 4": {"part": good["part"] + 1}, "lacks sex": {"sex": None}}
    for message, change in (changes | {"not finite": {"mean": good["mean"] * np.nan}}).items():
        np.savez(tmp_path / "bad.npz", **{name: array for name, array in (good | change).items() if array is not None})
        with pytest.raises(ValueError, match=message):
            load_body(tmp_path / "bad.npz")


def test_who_or_what_posture_there_is_not_is_said(pack):
    with pytest.raises(ValueError, match="no subject 3000: the pack has subjects 0 to 2999"):
        pack.person(3000)
    with pytest.raises(ValueError, match=r"a posture is \(21, 3, 3\), one rotation a bone, not \(20, 3, 3\)"):
        pose_joints(pack.skeleton(0), CANONICAL[1:])
    with pytest.raises(ValueError, match="no bone 'tail'; it has pelvis, spine"):
        RIG.index("tail")


def test_a_pack_is_baked_as_before(tmp_path, monkeypatch):
    generator = np.random.default_rng(0)
    sided = ["clavicle", "upperarm01", "lowerarm01", "wrist", "upperleg01", "lowerleg01", "foot"]
    sided += [f"toe{toe}-{joint}" for toe in (2, 3) for joint in (1, 3)]
    sided += [f"finger{finger}-{joint}" for finger in range(1, 6) for joint in (1, 2, 3)]
    labels = ["root", "spine04", "spine02", "neck01", "neck03", "head"]
    labels += [f"{bone}.{side}" for bone in sided for side in "LR"]
    count, bones, shapes = 13390, len(labels), 11
    sizes = {"template_vertices": (count, 3), "blendshapes": (shapes, count, 3), "template_bone_heads": (bones, 3)}
    sizes |= {"bone_heads_blendshapes": (shapes, bones, 3), "vertex_bone_weights": (count, 5)}
    sizes["texture_coordinates"] = (9, 2)
    values = {name: torch.from_numpy(generator.random(size)) for name, size in sizes.items()}

    def quads(first, last):
        ends = {"vertex": (first, last), "texture_coordinate": (0, 9)}
        drawn = {name: generator.integers(*end, (80, 4)) for name, end in ends.items()}
        return {f"face_{name}_indices": torch.from_numpy(quad) for name, quad in drawn.items()}

    own = [quads(0, 13380), quads(13380, count)]
    values["faces"], corners = (torch.cat([quad[name] for quad in own]) for name in own[0])
    values |= {"face_texture_coordinate_indices": corners, "bone_labels": labels}
    values["bone_parents"] = [-1, *(index // 2 for index in range(bones - 1))]
    values["vertex_bone_indices"] = torch.from_numpy(generator.integers(0, bones, (count, 5)))
    groups = {f"helper-{name}": quads(0, 13380) for name in ("tights", "skirt", "hair")}
    values["get_phenotype_blendshape_coefficients"] = lambda **more: torch.stack([*more.values()], 1)
    fake = {"anny": {"Anny": lambda **_: SimpleNamespace(**values)}, "anny.models": {}, "anny.utils": {}}
    fake |= {"anny.models.model_data": {"TopologyConfig": lambda *_, **__: None}}
    fake |= {"anny.utils.obj_utils": {"load_obj_file": lambda _: (None, None, groups)}}
    fake |= {"anny.paths": {"get_anny_root_dir": lambda: "."}}
    for name, attributes in fake.items():
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(**attributes))
    path = tmp_path / "made" / "body.npz"
    assert bake.main(["--out", str(path), "--count", "40", "--components", "8", "--seed", "3"]) == 0
    made = load_body(path)
    people = [made.person(subject) for subject in range(40)]
    assert_as_before("baked", [replace(made, components=None, coefficients=None), people])


def test_people_are_as_before():
    assert_as_before("population", draw_population(np.random.default_rng(0), 500))
