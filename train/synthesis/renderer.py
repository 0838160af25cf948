"""Pictures of scenes, drawn by OpenGL without a window (EGL; Mesa's llvmpipe where there is no GPU)."""

from __future__ import annotations

import importlib
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import cv2
import moderngl
import numpy as np

from train.synthesis.camera import Camera
from train.synthesis.lighting import shadow_matrix
from train.synthesis.scene import Scene
from train.synthesis.surface import KINDS
from train.synthesis.textures import noise_volume, sheets

SHADERS = Path(__file__).parent / "shaders"
MAX_MATERIALS = 192
_SHADOW_SIZE = 512
_THROW_MM = 450.0  # from what throws a shadow to what it falls on, for the width of the half-shadow
_OCCLUSION_MM = 260.0
_VERTEX = ("3f 3f 3f 4f 3f", "in_position", "in_normal", "in_coord", "in_tint", "in_extra")
_CHUNK_VERTICES = 65536
_TEXTURES = ("noise", "textures", "coords", "normals", "tints", "places", "shadow_map", "photo")
_NO_CONTEXT = (
    "no OpenGL context could be had through EGL ({error}). On Debian and Ubuntu install libegl1 and "
    "libgl1-mesa-dri (apt-get install libegl1 libgl1-mesa-dri); no GPU and no display are needed"
)


@dataclass(frozen=True)
class Rendered:
    """The picture of one scene.

    Attributes:
        image: (H, W, 3) uint8 sRGB.
        depth: (H, W) float32, mm along the optical axis at the pixel's center, infinite where nothing is;
            with the usual supersampling the samples lie a sixth of a pixel off it.
        person: (H, W) uint8, 0 no person, i + 1 person i.
    """

    image: np.ndarray
    depth: np.ndarray
    person: np.ndarray


def _context() -> moderngl.Context:
    # torch loads triton when it first initialises a network, and the LLVM in it crashes if Mesa's was loaded before.
    with suppress(ImportError):
        importlib.import_module("triton")
    try:
        return moderngl.create_standalone_context(backend="egl", require=330)
    except Exception as error:  # moderngl and its loader raise plain Exception and ImportError alike
        raise OSError(_NO_CONTEXT.format(error=error)) from error


def _source(*names: str) -> str:
    return "#version 330\n" + "\n".join((SHADERS / name).read_text() for name in names)


class Renderer:
    """Draws scenes; a context manager, one per process.

    What is seen is gathered first and lit afterwards, sample by sample; the picture is then made smaller.

    Args:
        size: side of the square pictures in pixels.
        supersample: samples along a pixel's side, 1 for jagged edges.

    Raises:
        OSError: if no OpenGL context can be had; says what to install.
        ValueError: if size or supersample are too small.
    """

    def __init__(self, size: int = 256, supersample: float = 1.4) -> None:
        if size < 16 or supersample < 1:
            raise ValueError(
                f"a picture needs a side of 16 pixels and 1 sample each at least, not {size}, {supersample}"
            )
        self.size = size
        self.samples = round(size * supersample)
        self._gl = _context()
        self._programs = self._build_programs()
        self._textures = self._build_textures()
        self._build_targets()
        self._vertices = self._gl.buffer(reserve=64 * _CHUNK_VERTICES, dynamic=True)
        self._indices = self._gl.buffer(reserve=12 * _CHUNK_VERTICES, dynamic=True)
        self._materials = self._gl.buffer(reserve=64 * MAX_MATERIALS, dynamic=True)
        self._materials.bind_to_uniform_block(0)
        self._arrays: dict[str, moderngl.VertexArray] = {}
        self._whole = {name: self._gl.vertex_array(self._programs[name], []) for name in (*KINDS, "backdrop", "sort")}
        nearest = (np.arange(size) + 0.5) * self.samples / size
        self._nearest = np.clip(np.floor(nearest).astype(int), 0, self.samples - 1)

    def _build_programs(self) -> dict[str, moderngl.Program]:
        surface = _source("surface.vert")
        programs = {
            name: self._gl.program(
                vertex_shader=surface, fragment_shader=_source("materials.glsl", "inputs.glsl", f"{name}.frag")
            )
            for name in ("gather", "shadow")
        }
        whole = _source("picture.vert")
        shared = ("materials.glsl", "seen.glsl", "light.glsl")
        for name in (*KINDS, "backdrop"):
            fragment = _source(*shared, f"{name}.frag")
            programs[name] = self._gl.program(vertex_shader=whole, fragment_shader=fragment)
        programs["sort"] = self._gl.program(vertex_shader=whole, fragment_shader=_source("sort.frag"))
        return programs

    def _build_textures(self) -> dict[str, moderngl.Texture | moderngl.Texture3D | moderngl.TextureArray]:
        side = (self.samples, self.samples)
        volume, layers = noise_volume(), sheets()
        textures = {
            "noise": self._gl.texture3d(volume.shape[:3], 4, volume.tobytes()),
            "textures": self._gl.texture_array((*layers.shape[1:3], len(layers)), 4, layers.tobytes()),
            "coords": self._gl.texture(side, 4, dtype="f4"),
            "normals": self._gl.texture(side, 4, dtype="f2"),
            "tints": self._gl.texture(side, 4),
            "places": self._gl.texture(side, 2, dtype="f4"),
            "shadow_map": self._gl.depth_texture((_SHADOW_SIZE, _SHADOW_SIZE)),
            "photo": self._gl.texture((self.size, self.size), 3, alignment=1),
        }
        for name in ("coords", "normals", "tints", "places"):
            textures[name].filter = (moderngl.NEAREST, moderngl.NEAREST)
        textures["noise"].filter = textures["photo"].filter = (moderngl.LINEAR, moderngl.LINEAR)
        textures["textures"].build_mipmaps()
        textures["textures"].filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        textures["shadow_map"].compare_func = "<="
        textures["shadow_map"].filter = (moderngl.LINEAR, moderngl.LINEAR)
        return textures

    def _build_targets(self) -> None:
        side = (self.samples, self.samples)
        gathered = [self._textures[name] for name in ("coords", "normals", "tints", "places")]
        self._renderbuffers = [self._gl.depth_renderbuffer(side), self._gl.renderbuffer(side, 4)]
        self._renderbuffers.append(self._gl.depth_renderbuffer(side))
        self._gathered = self._gl.framebuffer(gathered, self._renderbuffers[0])
        self._drawn = self._gl.framebuffer([self._renderbuffers[1]], self._renderbuffers[2])
        self._shadow = self._gl.framebuffer(depth_attachment=self._textures["shadow_map"])

    def __enter__(self) -> Renderer:  # noqa: PYI034 - typing.Self needs Python 3.11
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give everything back."""
        self.release()

    def release(self) -> None:
        """Give the context and all that it holds back."""
        held = [self._programs, self._textures, self._arrays, self._whole]
        for thing in (
            *(thing for things in held for thing in things.values()),
            *(self._gathered, self._drawn, self._shadow, *self._renderbuffers),
            *(self._vertices, self._indices, self._materials),
        ):
            thing.release()
        self._gl.release()

    def render(self, scene: Scene) -> Rendered:
        """Draw a scene.

        Args:
            scene: what :func:`train.synthesis.scene.compose` made, for a camera of this renderer's size.

        Raises:
            ValueError: the camera's picture has another size, or the scene has too many materials.
        """
        camera = scene.camera
        if (camera.width, camera.height) != (self.size, self.size):
            raise ValueError(
                f"the scene's camera takes {camera.width} x {camera.height} pixels, the renderer {self.size} x "
                f"{self.size}: compose the scene for that size"
            )
        spans, casting = self._upload(scene)
        shadow = shadow_matrix(scene.light, scene.center, scene.radius)
        self._gather(camera, spans)
        self._draw_shadow(shadow, casting)
        places = np.frombuffer(self._gathered.read(components=2, attachment=3, dtype="f4"), np.float32)
        self._light(scene, shadow, spans)
        image = np.frombuffer(self._drawn.read(components=3), np.uint8).reshape(self.samples, self.samples, 3)
        if self.samples != self.size:
            image = cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_AREA)
        places = places.reshape(self.samples, self.samples, 2)[self._nearest[:, None], self._nearest]
        depth = np.where(places[..., 0] > 0, places[..., 0], np.float32(np.inf))
        return Rendered(scene.lens.develop(image, depth), depth, (places[..., 1] % 64).astype(np.uint8))

    def _upload(self, scene: Scene) -> tuple[dict[str, tuple[int, int]], int]:
        """Send the surfaces: first index and number of indices of each kind, number of those that throw shadows."""
        if len(scene.materials) > MAX_MATERIALS:
            raise ValueError(f"a scene may have {MAX_MATERIALS} materials, this one has {len(scene.materials)}")
        self._materials.write(np.concatenate([material.packed() for material in scene.materials]).tobytes())
        surfaces = sorted(scene.surfaces, key=lambda surface: (not surface.casts, KINDS.index(surface.kind)))
        vertices = np.cumsum([0, *(len(surface.position) for surface in surfaces)])
        rows = np.empty((vertices[-1], 16), np.float32)
        for surface, first in zip(surfaces, vertices, strict=False):
            surface.pack_into(rows[first : first + len(surface.position)])
        faces = [surface.faces + np.int32(first) for surface, first in zip(surfaces, vertices, strict=False)]
        indices = np.cumsum([0, *(face.size for face in faces)])
        self._reserve(int(vertices[-1]), int(indices[-1]))
        self._vertices.write(rows)
        self._indices.write(np.concatenate(faces).astype(np.int32))
        spans: dict[str, tuple[int, int]] = {}
        for surface, first, end in zip(surfaces, indices, indices[1:], strict=False):
            begin = spans.get(surface.kind, (int(first), 0))[0]
            spans[surface.kind] = (begin, int(end) - begin)
        casting = sum(surface.faces.size for surface in surfaces if surface.casts)
        return spans, casting

    def _reserve(self, vertices: int, indices: int) -> None:
        if self._vertices.size < 64 * vertices or self._indices.size < 4 * indices:
            self._vertices.orphan(max(self._vertices.size, 64 * vertices * 3 // 2))
            self._indices.orphan(max(self._indices.size, 4 * indices * 3 // 2))
            self._arrays.clear()
        if not self._arrays:
            for name in ("gather", "shadow"):  # the shadow's program leaves some attributes away
                self._arrays[name] = self._gl.vertex_array(
                    self._programs[name], [(self._vertices, *_VERTEX)], self._indices, skip_errors=True
                )

    def _gather(self, camera: Camera, spans: dict[str, tuple[int, int]]) -> None:
        self._textures["noise"].use(_TEXTURES.index("noise"))
        self._gl.enable_only(moderngl.DEPTH_TEST)
        self._gl.depth_func = "<"
        self._gathered.use()
        self._gathered.clear()
        for number, kind in enumerate(KINDS, 1):
            if kind in spans:
                _set(self._programs["gather"], clip_from_world=camera.clip_matrix(), noise=0, kind=float(number))
                first, count = spans[kind]
                self._arrays["gather"].render(vertices=count, first=first)

    def _draw_shadow(self, shadow: np.ndarray, casting: int) -> None:
        self._shadow.use()
        self._shadow.clear()
        _set(self._programs["shadow"], clip_from_world=shadow, noise=0)
        self._arrays["shadow"].render(vertices=casting)

    def _light(self, scene: Scene, shadow: np.ndarray, kinds: Container[str]) -> None:
        """Light each kind of surface that there is with its own shader, on its own samples only."""
        if scene.photo is not None:
            photo = cv2.resize(scene.photo, (self.size, self.size), interpolation=cv2.INTER_AREA)
            self._textures["photo"].write(np.ascontiguousarray(photo))
        for unit, name in enumerate(_TEXTURES):
            self._textures[name].use(unit)
        self._drawn.use()
        self._drawn.clear()
        self._gl.depth_func = "1"
        _set(self._programs["sort"], places=_TEXTURES.index("places"), kind=0.0)
        self._whole["sort"].render(vertices=3)
        self._gl.depth_func = "=="
        self._drawn.depth_mask = False
        shared = _uniforms(scene, shadow, self.samples / self.size)
        for number, name in enumerate(("backdrop", *KINDS)):
            if name == "backdrop" or name in kinds:
                _set(self._programs[name], kind=float(number), **shared)
                self._whole[name].render(vertices=3)
        self._drawn.depth_mask = True


def _uniforms(scene: Scene, shadow: np.ndarray, scale: float) -> dict[str, object]:
    """What the shaders need to know of a scene; ``scale`` samples to a pixel."""
    camera, light = scene.camera, scene.light
    texel = 1.0 / _SHADOW_SIZE
    blur = max(1.2 * texel, 0.5 * light.key_spread * _THROW_MM / scene.radius)
    center = (camera.intrinsics[:2, 2] + 0.5) * scale
    return {
        **{name: unit for unit, name in enumerate(_TEXTURES)},
        "has_photo": float(scene.photo is not None),
        "picture": (camera.width * scale, camera.height * scale),
        "camera_position": camera.position,
        "camera_from_world": camera.rotation,
        "intrinsics": (camera.focal * scale, *center),
        "shadow_from_world": shadow,
        "shadow_spread": (blur, scene.radius * 2.0 * (2.5 * texel + blur)),
        "occlusion_radius": _OCCLUSION_MM,
        **vars(light),
    }


def _set(program: moderngl.Program, **values: object) -> None:
    """Set the uniforms that the program kept; matrices are given row by row and sent column by column."""
    for name, value in values.items():
        if program.get(name, None) is None:
            continue
        array = np.asarray(value, np.float32)
        if array.ndim == 2:
            program[name].write(np.ascontiguousarray(array.T).tobytes())
        else:
            program[name].value = value if isinstance(value, int | float) else tuple(array)
