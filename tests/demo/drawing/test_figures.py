"""The 3D view, also in words, and the bars of the fusion weights."""

import base64
import dataclasses
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from demo.captions import facing, figure_text
from demo.drawing.body_mesh import body_mesh
from demo.drawing.figures import skeleton_figure, weights_figure, weights_sentence
from demo.drawing.overlays import FADED, joint_opacity
from demo.drawing.shades import COLOUR_SCALE, shade, shade_rgb, side_css
from demo.drawing.stage import BEHIND, Camera, floor, ground, upright
from demo.drawing.views import view
from fusion_model.estimator import FusionSummary
from fusion_model.skeletons import HUMAN36M_17

WRIST, ANKLE, HEAD = (HUMAN36M_17.index(name) for name in ("left_wrist", "left_ankle", "head_top"))
NOISE = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8), (0, 0), 3)
NOISE = cv2.normalize(NOISE, None, 0, 255, cv2.NORM_MINMAX)


def drawn(*people, **how):
    """The figure of people in a photo of noise, 400 x 300: nothing in it is like anything else."""
    return skeleton_figure({str(number): pose for number, pose in enumerate(people, 1)}, NOISE, **how)


@pytest.fixture
def figure(pose):
    return drawn(pose)


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def corners(trace):
    return np.stack([np.asarray(trace[axis], float) for axis in "xyz"], axis=1)


def photo_behind(figure):
    return Image.open(io.BytesIO(base64.b64decode(figure.layout.meta["photo"].split(",")[1])))


def smaller(pose, factor, shift):
    """The same person, seen smaller and elsewhere in the photo."""
    points = pose.joints_2d * np.float32(factor) + np.float32(shift)
    return dataclasses.replace(pose, joints_2d=points, person_box=np.concatenate((points.min(0), points.max(0))))


def test_the_person_stands_upright_over_floor_and_shadow_and_is_not_mirrored(figure):
    (joints,), (floor,), (body,), (shadow,) = (named(figure, one) for one in ("joints", "floor", "body", "shadow"))
    place = dict(zip(HUMAN36M_17.joints, corners(joints), strict=True))
    assert place["head_top"][2] > place["pelvis"][2] > place["left_ankle"][2]
    assert place["left_shoulder"][0] > place["right_shoulder"][0]  # faces the camera
    assert place["left_wrist"][1] < 0  # nearer to the camera than the pelvis
    assert np.sign([body.lightposition[axis] for axis in "xyz"]).tolist() == [-1, -1, 1]  # over the left shoulder
    low = corners(body)[:, 2].min()
    assert np.allclose(floor.z, low, atol=1)
    assert np.allclose(shadow.z, low + 2, atol=1)
    for side in ("left", "right"):
        away = np.linalg.norm(corners(shadow)[:, :2] - place[f"{side}_ankle"][:2], axis=1)
        assert shadow.intensity[away.argmin()] > 60
    assert shadow.intensity[(shadow.x == shadow.x.min()) | (shadow.y == shadow.y.max())].max() == 0  # it ends softly
    assert len(np.unique(shadow.intensity)) > 20


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_axes_are_equally_long_hold_everything_and_every_viewpoint_shows_all_of_the_bodies(change_pose, pose, factor):
    figure = drawn(change_pose(joints_3d=pose.joints_3d * np.float32(factor)), smaller(pose, 0.6, (140, -10)))
    scene = figure.layout.scene
    ranges = np.array([axis.range for axis in (scene.xaxis, scene.yaxis, scene.zaxis)])
    assert np.allclose(np.ptp(ranges, axis=1) / [scene.aspectratio[axis] for axis in "xyz"], 1000)
    for trace in figure.data:
        if trace.name != "uncertainty":
            places = corners(trace)
            assert (np.nanmin(places, 0) > ranges[:, 0] + 20).all(), trace.name  # what lies on an end is cut
            assert (np.nanmax(places, 0) < ranges[:, 1] - 20).all(), trace.name


def test_every_viewpoint_looks_at_the_bodies_from_its_side_and_shows_all_of_them():
    layout = view(np.array([(-100, -200, 0), (300, 400, 1700)]), np.array([(-500, -300, -20), (700, 900, 1900)]), None)
    cameras = {button["label"]: button["args"][0]["scene.camera"] for button in layout["updatemenus"][0]["buttons"]}
    assert [*cameras] == ["Front", "Side", "Top", "Reset"]
    distance = 1.25 * 1.7 / 2 / np.tan(np.pi / 8) + 0.75 / 2  # who is less than 750 mm deep counts for that
    for one, way in zip(
        cameras.values(), [(0, -1, 0.04), (1, 0, 0.04), (0, -0.09, 1), (0.5, -0.83, 0.22)], strict=True
    ):
        assert one["center"] == {"x": 0, "y": -0.2, "z": -0.09}
        eye = [one["eye"][axis] - one["center"][axis] for axis in "xyz"]
        assert eye == pytest.approx(distance * np.array(way) / np.linalg.norm(way), abs=2e-4)
    assert layout["scene"]["camera"] == cameras["Reset"]


def test_hovering_shows_name_place_and_confidence_in_the_colour_of_the_side(change_pose):
    pose = change_pose(status=tuple("guessed" if joint == WRIST else "seen" for joint in range(17)))
    (x, y, z), (across, _, depth) = pose.joints_3d[WRIST], pose.spread[WRIST]
    (joints,), (body,) = (named(drawn(pose), name) for name in ("joints", "body"))
    assert joints.hovertext[WRIST] == (
        f"<b>left wrist</b><br>x {x:.0f} mm (right)<br>y {y:.0f} mm (down)<br>z {z:.0f} mm (away)<br>confidence "
        f"{pose.confidence[WRIST]:.2f}, guessed<br>± {across:.0f} mm across, ± {depth:.0f} mm in depth"
    )
    opacity = joint_opacity(pose)
    assert [*joints.marker.color] == [side_css(HUMAN36M_17.side(joint), opacity[joint]) for joint in range(17)]
    assert (side_css("left"), side_css("right", 0)) == ("rgb(41,151,255)", "rgb(158,163,172)")
    assert (body.cmin, body.cmax) == (0, 254)
    stops = shade_rgb(np.array([round(254 * place) for place, _ in COLOUR_SCALE])).astype(int)
    assert [css for _, css in COLOUR_SCALE] == [f"rgb({red},{green},{blue})" for red, green, blue in stops]


def test_joints_beyond_the_frame_are_left_out_or_dotted(change_pose):
    pose = change_pose(status=tuple("outside" if joint in (ANKLE, 16) else "seen" for joint in range(17)))
    without, dotted = drawn(pose), drawn(pose, show_outside=True)
    assert named(without, "guessed") == []
    assert [len(named(one, "joints")[0].x) for one in (without, dotted)] == [15, 17]
    (shank,), (alone,) = (
        named(one, "guessed") for one in (dotted, drawn(pose, show_outside=True, min_confidence=0.75))
    )
    points = upright(pose.joints_3d)
    for line, bones in ((shank, ((5, ANKLE), (15, 16))), (alone, ((15, 16),))):  # without a knee, no shank
        ends, sides = corners(line).reshape(-1, 3, 3), ["left", "right"][-len(bones) :]
        assert ends[:, :2] == pytest.approx(np.array([points[[*bone]] for bone in bones]))
        assert np.isnan(ends[:, 2]).all()
        assert [*line.line.color] == [side_css(side, FADED) for side in sides for _ in range(3)]
    for one in (without, dotted):
        assert np.linalg.norm(corners(named(one, "body")[0]) - points[ANKLE], axis=1).min() > 100


def test_the_body_is_as_it_is_made_of_joints_and_opacities(figure, pose):
    (body,), mesh = named(figure, "body"), body_mesh(HUMAN36M_17, upright(pose.joints_3d), joint_opacity(pose), 1700)
    assert corners(body) == pytest.approx(mesh.corners, abs=0.51)
    np.testing.assert_array_equal(np.stack((body.i, body.j, body.k, body.intensity[body.i]), 1),
                                  np.column_stack((mesh.faces, mesh.shades[mesh.faces[:, 0]])))  # fmt: skip


def test_ellipsoids_have_the_half_axes_of_the_spread_where_it_was_measured(pose, change_pose):
    spread = pose.spread[:, :1] * np.float32([1, 2, 3])
    figure = drawn(change_pose(spread=spread))
    (clear,) = named(figure, "uncertainty")
    assert figure.data[-1] is clear  # after all that is seen through it
    each = corners(clear).reshape(17, -1, 3)
    assert np.ptp(each, axis=1) / 2 == pytest.approx(spread[:, [0, 2, 1]], abs=1)
    assert each.mean(1) == pytest.approx(upright(pose.joints_3d), abs=1)
    tones = [shade(HUMAN36M_17.side(joint)) for joint in range(17)]
    assert np.reshape(clear.intensity, (17, -1)).tolist() == [[tone] * len(each[0]) for tone in tones]
    plain = drawn(change_pose(spread=None))
    assert named(plain, "uncertainty") == []
    assert [button.label for button in plain.layout.updatemenus[1].buttons] == ["Photo"]
    assert named(drawn(change_pose(spread=None), pose), "uncertainty") != []
    spread[HUMAN36M_17.root, 0] = 0  # the others are measured from it
    for least, count in ((0.61, 16), (0.63, 15)):
        (others,) = named(drawn(change_pose(spread=spread), min_confidence=least), "uncertainty")
        assert len(others.x) == count / 17 * len(clear.x)


def test_people_and_photo_stand_where_the_camera_saw_them_and_so_does_the_eye_in_front(pose):
    other = smaller(pose, 0.5, (200, 100))
    figure = drawn(pose, other)
    (frustum,), bodies = named(figure, "camera"), np.concatenate([corners(one) for one in named(figure, "body")])
    near, far = (corners(trace)[0] for trace in named(figure, "joints"))
    camera = Camera.usual((300, 400), [pose, other])
    lens = upright(-camera.place(pose)[None])[0]
    assert near == pytest.approx(np.zeros(3))
    assert -lens[1] == pytest.approx(1.2 * 400 * 1900 / 300, rel=1e-3)  # mm from a normal lens
    assert far[1] - lens[1] == pytest.approx(2 * (near[1] - lens[1]), rel=1e-3)  # half as large
    assert [trace.text[0] for trace in named(figure, "number")] == ["<b>1</b>", "<b>2</b>"]
    assert corners(named(figure, "number")[0])[0] == pytest.approx((0, 30, 768 + 150), abs=35)  # over the head
    assert named(drawn(pose), "number") == []
    ends = np.array(figure.layout.meta["corners"])
    assert np.allclose(ends[:, 1], bodies[:, 1].max() + BEHIND, atol=2)
    right, away, up = (np.stack((near, far, *ends)) - lens).T
    pixels = np.stack((right, -up), 1) / away[:, None] * camera.focal + np.array([399, 299]) / 2
    corner_pixels = np.array([(0, 0), (400, 0), (400, 300), (0, 300)]) - 0.5
    assert pixels == pytest.approx(np.stack((pose.joints_2d[0], other.joints_2d[0], *corner_pixels)), abs=0.5)
    assert np.isclose(corners(frustum), lens, atol=1).all(1).sum() == 4  # four lines start at the lens
    assert corners(frustum)[:5] == pytest.approx(ends[[0, 1, 2, 3, 0]], abs=1)
    assert np.abs(np.asarray(photo_behind(figure)).astype(int) - NOISE).mean() < 12
    scene = figure.layout.scene
    front = figure.layout.updatemenus[0].buttons[0].args[0]["scene.camera"]
    middles = [np.mean(axis.range) for axis in (scene.xaxis, scene.yaxis, scene.zaxis)]
    assert np.array([front["eye"][axis] for axis in "xyz"]) * 1000 + middles == pytest.approx(lens, abs=1)
    assert front["eye"]["z"] == pytest.approx(front["center"]["z"])  # level, as the photo is upright


def test_the_camera_is_as_far_away_as_the_sure_joints_say_and_not_too_near(pose):
    camera = Camera.usual((400, 300), [pose])
    assert camera.focal == pytest.approx(1.2 * 400)
    near = smaller(pose, 2, (0, 0))
    assert Camera.usual((300, 400), [pose, near]).place(near)[2] == pytest.approx(1800, rel=1e-3)
    points, confidence = pose.joints_2d.copy(), pose.confidence.copy()
    points[[WRIST, ANKLE]] += 90
    confidence[WRIST] = 0
    status = tuple("outside" if joint == ANKLE else "seen" for joint in range(17))
    unsure = dataclasses.replace(pose, joints_2d=points, confidence=confidence, status=status)
    assert camera.place(unsure) == pytest.approx(camera.place(pose), abs=0.1)
    far = drawn(pose, smaller(pose, 0.05, (200, 100)))  # 58 m behind
    bodies, joints = ([corners(one).mean(0) for one in named(far, name)] for name in ("body", "joints"))
    assert np.array(bodies) == pytest.approx(np.array(joints), abs=200)
    folded = dataclasses.replace(pose, joints_3d=-pose.joints_3d)  # which no scale fits
    assert camera.place(folded)[2] == pytest.approx(480 * 3 * 1700 / np.ptp(pose.joints_2d[:, 1]))


def test_the_floor_is_a_disc_that_fades_out_with_lines_every_half_metre():
    middle, radius = ground(np.array([(-1400, -1250, -40.0), (1600, 750, 900)]))
    assert [*middle, radius] == pytest.approx([100, -250, -40, np.hypot(1500, 1000) + 500])
    assert ground(np.zeros((2, 3)))[1] == 1000
    disc, grid = floor(middle, 1200.0)
    away = np.linalg.norm(corners(disc)[:, :2] - middle[:2], axis=1)
    assert np.asarray(disc.intensity)[away.argsort()].tolist() == sorted(disc.intensity, reverse=True)
    assert (away.max(), disc.intensity[away.argmin()], disc.intensity[away.argmax()]) == pytest.approx(
        (1200, 255, 0), abs=1
    )
    assert disc.opacity < 1  # else Plotly draws no clear colours
    assert disc.colorscale[0][1].endswith(", 0.0)")
    lines = corners(grid).reshape(-1, 3, 3)[:, :2, :2]
    assert np.linalg.norm(lines - middle[:2], axis=2) == pytest.approx(np.full((9, 2), 1200), rel=1e-5)
    held = [[float(start[k]) for start, end in lines if start[k] == end[k]] for k in (0, 1)]
    assert held == [[-1000, -500, 0, 500, 1000], [-1000, -500, 0, 500]]


def test_the_figure_is_small_even_of_a_crowd(pose):
    crowd = {str(number): smaller(pose, 0.4, (20 * number, 0)) for number in range(1, 11)}
    figure = skeleton_figure(crowd, np.full((3000, 1500, 3), 90, np.uint8))
    assert len(figure.to_json()) < 900_000
    assert photo_behind(figure).size == (360, 720)


def test_the_weights_are_bars_and_a_sentence():
    weights = np.array([0.1, 0.9], np.float32)
    fusion = FusionSummary("trainable", 3.25, 1.5, weights, pruned=True, merge_after=1)
    figure = weights_figure(fusion)
    bars, curve = figure.data
    assert (list(bars.x), bars.y) == (["1", "2"], pytest.approx(weights))
    assert np.interp((1.5, 2), curve.x, curve.y) == pytest.approx((0.5, 1 / (1 + np.exp(-3.25 / 2))), abs=0.005)
    assert np.array((figure.layout.xaxis.range, figure.layout.xaxis2.range)) == pytest.approx(
        np.array([(-0.5, 1.5), (0.5, 2.5)])  # the first bar is at 0, where the curve is at 1
    )
    assert figure.layout.yaxis.range[1] > 1
    said = weights_sentence(fusion)
    assert all(one in said for one in ("beta = 1.50", "alpha = 3.25", "0.10, 0.90.", "up to layer 1,"))
    early = FusionSummary("early", None, None, weights, pruned=False, merge_after=1)
    assert ("**early**" in weights_sentence(early), "cut away" in weights_sentence(early)) == (True, False)
    assert len(weights_figure(early).data) == 1


def test_where_a_person_faces(pose, turned):
    pose.joints_3d[HUMAN36M_17.index("thorax"), 2] = -100  # leans forward
    half, side_on = ", half turned to the {} of the picture", "faces the {} of the picture"
    turns = ("faces the camera", f"faces the camera{half}", side_on, f"faces away{half}", "faces away from the camera")
    for step, words in enumerate(turns):
        assert facing(turned(45 * step)) == words.format("right")
        assert facing(turned(-45 * step)) == words.format("left")
    for side, caption in ((1, "faces up"), (-1, "faces down")):
        lying = np.stack((pose.joints_3d[:, 0], side * pose.joints_3d[:, 2], -side * pose.joints_3d[:, 1]), axis=1)
        assert facing(dataclasses.replace(pose, joints_3d=lying)) == caption


def test_uncertain_joints_are_named_and_several_people_are_told_apart(change_pose, turned):
    first = change_pose(status=("outside", "guessed", *("seen",) * 15))
    said = "faces the camera; 15 of 17 joints are seen; guessed: right hip; beyond the frame: pelvis."
    assert figure_text({"1": first}) == f"In 3D, the person {said}"
    assert figure_text({"1": first, "2": turned(180)}).startswith(f"Person 1 {said} Person 2 faces away from the")
