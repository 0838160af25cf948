"""People baked from a body model, which here is of random numbers: the real one is another package's."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import torch

from tests.helpers.earlier import assert_as_before
from train.synthesis import bake
from train.synthesis.body import load_body
from train.synthesis.body_people import draw_population


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
