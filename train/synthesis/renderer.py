"""Pictures of scenes, drawn by OpenGL without a window (EGL; Mesa's llvmpipe where there is no GPU)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import moderngl
import numpy as np

from train.synthesis.camera import Camera
from train.synthesis.lighting import Light, shadow_matrix
from train.synthesis.scene import Scene
from train.synthesis.surface import KINDS
from train.synthesis.textures import noise_volume, sheets

SHADERS = Path(__file__).parent / "shaders"
MAX_MATERIALS = 192
_SHADOW_SIZE = 512
_VERTEX = ("3f 3f 3f 4f 3f", "in_position", "in_normal", "in_coord", "in_tint", "in_extra")
_CHUNK_VERTICES = 65536
_NO_CONTEXT = (
    "no OpenGL context could be had through EGL ({error}). On Debian and Ubuntu install libegl1 and "
    "libgl1-mesa-dri (apt-get install libegl1 libgl1-mesa-dri); no GPU and no display are needed"
)


@dataclass(frozen=True)
class Rendered:
    """What one scene looks like.

    Attributes:
        image: (H, W, 3) uint8 sRGB.
        depth: (H, W) float32, mm along the optical axis at the pixel's centre, infinite where nothing is.
        person: (H, W) uint8, 0 nobody, i + 1 person i.
    """

    image: np.ndarray
    depth: np.ndarray
    person: np.ndarray


def _context() -> moderngl.Context:
    try:
        return moderngl.create_standalone_context(backend="egl", require=330)
    except Exception as error:  # moderngl and its loader raise plain Exception and ImportError alike
        raise RuntimeError(_NO_CONTEXT.format(error=error)) from error


def _source(*names: str) -> str:
    return "#version 330\n" + "\n".join((SHADERS / name).read_text() for name in names)


class Renderer:
    """Draws scenes; a context manager, one per process.

    Args:
        size: side of the square pictures in pixels.
        samples: samples a pixel for smooth edges; 0 for none.
    """

    def __init__(self, size: int = 256, samples: int = 4) -> None:
        self.size = size
        self.seconds: dict[str, float] = {}
        self._gl = _context()
        self._programs = self._build_programs()
        self._noise = self._gl.texture3d(noise_volume().shape[:3], 4, noise_volume().tobytes())
        self._noise.filter = (moderngl.LINEAR, moderngl.LINEAR)
        layers = sheets()
        self._sheets = self._gl.texture_array((*layers.shape[1:3], len(layers)), 4, layers.tobytes())
        self._sheets.build_mipmaps()
        self._sheets.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        self._photo: moderngl.Texture | None = None
        self._build_targets(samples)
        self._vertices = self._gl.buffer(reserve=64 * _CHUNK_VERTICES, dynamic=True)
        self._indices = self._gl.buffer(reserve=12 * _CHUNK_VERTICES, dynamic=True)
        self._materials = self._gl.buffer(reserve=64 * MAX_MATERIALS, dynamic=True)
        self._materials.bind_to_uniform_block(0)
        self._arrays: dict[str, moderngl.VertexArray] = {}
        self._empty = self._gl.vertex_array(self._programs["backdrop"], [])
        self._catcher = self._gl.buffer(reserve=64 * 4)

    def _build_programs(self) -> dict[str, moderngl.Program]:
        vertex = _source("surface.vert")
        fragments = {kind: ("inputs.glsl", "light.glsl", f"{kind}.frag") for kind in (*KINDS, "catcher")}
        fragments |= {kind: ("inputs.glsl", f"{kind}.frag") for kind in ("depth", "shadow")}
        programs = {
            kind: self._gl.program(vertex_shader=vertex, fragment_shader=_source(*names))
            for kind, names in fragments.items()
        }
        programs["backdrop"] = self._gl.program(
            vertex_shader=_source("backdrop.vert"), fragment_shader=_source("backdrop.frag")
        )
        return programs

    def _build_targets(self, samples: int) -> None:
        size = (self.size, self.size)
        self._depth_person = self._gl.texture(size, 2, dtype="f4")
        self._depth_person.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self._geometry = self._gl.framebuffer([self._depth_person], self._gl.depth_renderbuffer(size))
        self._drawn = self._gl.framebuffer(
            [self._gl.renderbuffer(size, 4, samples=samples)], self._gl.depth_renderbuffer(size, samples=samples)
        )
        self._resolved = self._gl.framebuffer([self._gl.renderbuffer(size, 4)])
        self._shadow = self._gl.depth_texture((_SHADOW_SIZE, _SHADOW_SIZE))
        self._shadow.compare_func = "<="
        self._shadow.filter = (moderngl.LINEAR, moderngl.LINEAR)
        self._shadow_target = self._gl.framebuffer(depth_attachment=self._shadow)

    def __enter__(self) -> Renderer:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give everything back."""
        self.release()

    def release(self) -> None:
        """Give the context and all that it holds back."""
        self._gl.gc_mode = "auto"
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
        start = time.perf_counter()
        spans = self._upload(scene)
        self._count("upload", start)
        start = time.perf_counter()
        shadow = shadow_matrix(scene.light, scene.centre, scene.radius)
        self._draw_depth(camera, shadow, spans)
        self._count("depth", start)
        start = time.perf_counter()
        self._draw_colour(scene, shadow, spans)
        image = np.frombuffer(self._resolved.read(components=3), np.uint8).reshape(self.size, self.size, 3)
        self._count("colour", start)
        start = time.perf_counter()
        both = np.frombuffer(self._geometry.read(components=2, dtype="f4"), np.float32)
        both = both.reshape(self.size, self.size, 2)
        depth = np.where(both[..., 0] > 0, both[..., 0], np.float32(np.inf))
        person = both[..., 1].astype(np.uint8)
        developed = scene.lens.develop(image, depth)
        self._count("develop", start)
        return Rendered(developed, depth, person)

    def _count(self, stage: str, start: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start

    def _upload(self, scene: Scene) -> dict[str, tuple[int, int]]:
        """Send the scene's surfaces; first index and number of indices of each kind."""
        if len(scene.materials) > MAX_MATERIALS:
            raise ValueError(f"a scene may have {MAX_MATERIALS} materials, this one has {len(scene.materials)}")
        self._materials.write(np.concatenate([material.packed() for material in scene.materials]).tobytes())
        spans, rows, faces, vertex, index = {}, [], [], 0, 0
        for kind in KINDS:
            first = index
            for surface in scene.surfaces:
                if surface.kind == kind:
                    rows.append(surface.packed())
                    faces.append(surface.faces.astype(np.int32) + vertex)
                    vertex += len(surface.position)
                    index += surface.faces.size
            spans[kind] = (first, index - first)
        self._reserve(vertex, index)
        self._vertices.write(np.concatenate(rows))
        self._indices.write(np.concatenate(faces))
        return spans

    def _reserve(self, vertices: int, indices: int) -> None:
        if self._vertices.size < 64 * vertices or self._indices.size < 4 * indices:
            self._vertices.orphan(max(self._vertices.size, 64 * vertices * 3 // 2))
            self._indices.orphan(max(self._indices.size, 4 * indices * 3 // 2))
            self._arrays.clear()
        if not self._arrays:
            for kind in (*KINDS, "depth", "shadow"):
                program = self._programs[kind]
                self._arrays[kind] = self._array(program, self._vertices, self._indices)

    def _array(
        self, program: moderngl.Program, vertices: moderngl.Buffer, indices: moderngl.Buffer | None
    ) -> moderngl.VertexArray:
        """A vertex array with the attributes that the program kept."""
        formats, names = [], []
        for part, name in zip(_VERTEX[0].split(), _VERTEX[1:], strict=True):
            used = name in program
            formats.append(part if used else f"{4 * int(part[0])}x")
            names += [name] if used else []
        return self._gl.vertex_array(program, [(vertices, " ".join(formats), *names)], index_buffer=indices)

    def _draw_depth(self, camera: Camera, shadow: np.ndarray, spans: dict[str, tuple[int, int]]) -> None:
        total = sum(count for _, count in spans.values())
        self._noise.use(0)
        self._gl.enable_only(moderngl.DEPTH_TEST)
        self._geometry.use()
        self._geometry.clear()
        _set(self._programs["depth"], clip_from_world=camera.clip_matrix(), noise=0)
        self._arrays["depth"].render(vertices=total)
        self._shadow_target.use()
        self._shadow_target.clear()
        _set(self._programs["shadow"], clip_from_world=shadow, noise=0)
        self._arrays["shadow"].render(vertices=total)

    def _draw_colour(self, scene: Scene, shadow: np.ndarray, spans: dict[str, tuple[int, int]]) -> None:
        self._noise.use(0)
        self._sheets.use(1)
        self._depth_person.use(2)
        self._shadow.use(3)
        shared = _light_uniforms(scene.camera, scene.light, shadow, scene.radius)
        self._drawn.use()
        self._drawn.clear()
        for kind in KINDS:
            first, count = spans[kind]
            if count:
                _set(self._programs[kind], **shared)
                self._arrays[kind].render(vertices=count, first=first)
        self._draw_backdrop(scene)
        if scene.photo is not None:
            self._draw_catcher(scene, shared)
        self._gl.copy_framebuffer(self._resolved, self._drawn)

    def _draw_backdrop(self, scene: Scene) -> None:
        camera, light = scene.camera, scene.light
        if scene.photo is not None:
            height, width = scene.photo.shape[:2]
            if self._photo is None or self._photo.size != (width, height):
                self._photo = self._gl.texture((width, height), 3, alignment=1)
                self._photo.repeat_x = self._photo.repeat_y = False
            self._photo.write(np.ascontiguousarray(scene.photo))
            self._photo.use(4)
        _set(
            self._programs["backdrop"],
            photo=4,
            noise=0,
            has_photo=float(scene.photo is not None),
            world_from_camera=camera.rotation.T,
            intrinsics=(camera.focal, camera.intrinsics[0, 2] + 0.5, camera.intrinsics[1, 2] + 0.5),
            picture=(float(camera.width), float(camera.height)),
            zenith=light.zenith,
            horizon=light.horizon,
            clouds=light.clouds,
            key_direction=light.key_direction,
            key_colour=light.key_colour,
            exposure=light.exposure,
        )
        self._empty.render(vertices=3)

    def _draw_catcher(self, scene: Scene, shared: dict[str, object]) -> None:
        """Darken the photo where the people's shadow falls on the ground that it is taken to have."""
        reach = 3 * scene.radius
        rows = np.zeros((4, 16), np.float32)
        rows[:, 0:3] = np.array([[-1, 0, -1], [1, 0, -1], [-1, 0, 1], [1, 0, 1]]) * reach + scene.centre * [1, 0, 1]
        rows[:, 14] = 1000.0
        self._catcher.write(rows)
        program = self._programs["catcher"]
        _set(program, **shared)
        self._gl.enable(moderngl.BLEND)
        self._gl.blend_func = moderngl.ZERO, moderngl.SRC_COLOR
        self._drawn.depth_mask = False
        self._array(program, self._catcher, None).render(moderngl.TRIANGLE_STRIP)
        self._drawn.depth_mask = True
        self._gl.disable(moderngl.BLEND)


def _light_uniforms(camera: Camera, light: Light, shadow: np.ndarray, radius: float) -> dict[str, object]:
    texel = 1.0 / _SHADOW_SIZE
    blur = max(
        1.2 * texel, 0.5 * light.key_spread * 450.0 / radius
    )  # the thing that throws it is about half a metre away
    return {
        "clip_from_world": camera.clip_matrix(),
        "noise": 0,
        "textures": 1,
        "depth_person": 2,
        "shadow_map": 3,
        "camera_position": camera.position,
        "camera_from_world": camera.rotation,
        "intrinsics": (camera.focal, camera.intrinsics[0, 2] + 0.5, camera.intrinsics[1, 2] + 0.5),
        "shadow_from_world": shadow,
        "shadow_spread": (blur, radius * 2.0 * (2.5 * texel + blur)),
        "key_direction": light.key_direction,
        "key_colour": light.key_colour,
        "fill_direction": light.fill_direction,
        "fill_colour": light.fill_colour,
        "sky_colour": light.sky_colour,
        "ground_colour": light.ground_colour,
        "haze": light.haze,
        "exposure": light.exposure,
        "occlusion_radius": 260.0,
    }


def _set(program: moderngl.Program, **values: object) -> None:
    """Set the uniforms that the program kept; matrices are given row by row and sent column by column."""
    for name, value in values.items():
        if name not in program:
            continue
        array = np.asarray(value, np.float32)
        if array.ndim == 2:
            program[name].write(np.ascontiguousarray(array.T).tobytes())
        else:
            program[name].value = (
                value if isinstance(value, int) else (float(array) if array.ndim == 0 else tuple(array))
            )
