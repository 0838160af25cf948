"""The fusion lab under a photo's result: computed when somebody opens it, for the person who is picked then."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from pathlib import Path
from zlib import crc32

import gradio as gr
import numpy as np

from demo.drawing.stick_svg import Frame
from demo.view import View
from fusion_model.comparison import Comparison
from fusion_model.hub.checkpoints import DEFAULT
from fusion_model.skeletons import SKELETONS, Skeleton

FIGURE_5 = Path(__file__).parents[2] / "assets" / "analysis" / "figure5.png"
"""How alpha, beta and the weights of the bundled model moved while they were trained."""

_JS, _CSS = (Path(__file__).with_name(f"lab_view.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
_LEARNT = "trainable"
_NAMES = {
    "image-only": "Photo alone",
    "maps-only": "Heatmaps alone",
    "early": "Early fusion",
    "late": "Late fusion",
    _LEARNT: "Learnt fusion",
}
_HTML = """
<details class="lab">
  <summary><span><b>Fusion lab</b> Five ways to merge photo and heatmaps, on this person</span></summary>
  <p role="status"></p>
  <div class="body"></div>
</details>
"""


def lab_view(view: View | None) -> gr.HTML:
    """The component; its event ``ask`` wants the value of :func:`lab_value` with its body.

    Args:
        view: shown first.
    """
    return gr.HTML(
        view and lab_value(view),
        html_template=_HTML,
        css_template=_CSS,
        js_on_load=_JS,
        apply_default_css=False,
        elem_id="lab",
        elem_classes="pose",
    )


def lab_value(view: View, body: str | None = None) -> str:
    """Who is picked, if one person is, and what is to be shown of that person, as JSON.

    Args:
        view: as the visitor has chosen it.
        body: of the one person, HTML; None to let the script ask for it.
    """
    person = view.one_person()
    return json.dumps({"who": person and crc32(person.pose.joints_3d.tobytes()), "body": body})


def lab_body(view: View, comparison: Comparison) -> str:
    """What is shown of the person who is picked, as HTML."""
    estimator, lab = view.service.estimator, view.service.lab
    skeleton = SKELETONS[estimator.config.fusion.skeleton]
    cards = _cards(comparison, lab.figures, skeleton, lab.networks[_LEARNT].config.merge_after)
    trained = _figure_5() if estimator.name == DEFAULT else ""
    return f"{cards}<div class='two'>{_photo(comparison, skeleton)}{trained}</div>"


def _cards(
    comparison: Comparison, figures: Mapping[str, Mapping[str, float]], skeleton: Skeleton, merged_after: int | None
) -> str:
    """A small drawing of what each network says."""
    learnt, apart = comparison.strategies[_LEARNT], comparison.apart(_LEARNT)
    frame = Frame(comparison.strategies.values(), skeleton)
    items = ""
    for name, pose in comparison.strategies.items():
        title, distance = _NAMES[name], f"<b>{apart[name]:.0f}&nbsp;mm</b> from learnt"
        if name == _LEARNT:
            distance = "merged where training put it" if merged_after is None else f"merged after layer {merged_after}"
        drawing = frame.draw(pose, None if name == _LEARNT else learnt, name=f"{title}, from the front and the side")
        error = figures.get(name, {}).get("photos_mpjpe")
        measured = "" if error is None else f"<p class='small'>{error:.0f}&nbsp;mm off on held-out photos</p>"
        items += f"<li>{drawing}<div><h4>{title}</h4><p>{distance}</p>{measured}</div></li>"
    return (
        "<h3>Five ways to merge</h3><p>Five small networks, trained alike, read the same photo and heatmaps. "
        "The grey shape is the learnt one.</p>"
        f"<ul>{items}</ul>"
        "<p class='small'>Each pose is drawn twice: as the camera sees it, and from the right of the picture. "
        "Distances are means over the joints, pelvis on pelvis, of a person of 170 cm, before the 2D joints correct "
        "the pose; on held-out photos, over the 12 limb joints.</p>"
    )


def _photo(comparison: Comparison, skeleton: Skeleton) -> str:
    """The pose with the photo blanked over the real one."""
    moved = np.linalg.norm(comparison.plain - comparison.blanked, axis=-1)
    farthest = int(moved.argmax())
    drawing = Frame((comparison.plain, comparison.blanked), skeleton).draw(
        comparison.plain, comparison.blanked, name="The pose, and the pose without the photo", dashed=True
    )
    joint = skeleton.joints[farthest].replace("_", " ")
    return (
        f"<section><h3>What the photo adds</h3>{drawing}<p class='large'>{comparison.photo_adds:.0f} mm</p>"
        "<p>is how far the model&rsquo;s joints move, on average, when the photo is blanked to its mean colour and the "
        f"heatmaps stay. The {escape(joint)} moves most: {moved[farthest]:.0f}&nbsp;mm.</p>"
        "<p class='small'>Dotted: without the photo. The farther apart, the more the photo decides.</p></section>"
    )


def _figure_5() -> str:
    """The picture of the bundled model's training, where it is there."""
    if not FIGURE_5.is_file():
        return ""
    address = f"data:image/png;base64,{b64encode(FIGURE_5.read_bytes()).decode()}"
    words = "alpha, beta and the weights of the four layers over the iterations of the training"
    return (
        "<section><h3>How the merging layer was found</h3>"
        "<p>The paper&rsquo;s Figure 5, of this model. Training moves alpha and beta, which drive the weights apart; "
        "at the dashed line they are hardened to 0 and 1.</p>"
        f"<img src='{address}' alt='{words}'></section>"
    )
