"""What the visitor does on the picture: pick a person, draw a box, delete one, and see which joint is which.

The script draws over the picture and asks the server only for a new result. In the 3D view and among the heatmaps the
joint under the pointer is lit, too: views tell each other by the event ``joint`` of the document.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr

from demo.drawing.overlays import joint_opacity
from demo.view import View
from fusion_model.skeletons import SKELETONS

_JS, _CSS = (Path(__file__).with_name(f"picture_tools.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
_HTML = """
<div class="tools" role="group" aria-label="Box">
  <button type="button" id="draw" aria-pressed="false">Draw a box</button>
  <button type="button" id="delete-box" hidden>Delete the box</button>
</div>
<p role="status"></p>
"""


def picture_tools(view: View | None) -> gr.HTML:
    """The component over the picture ``#picture``.

    Its events: ``pick``, with ``who`` of a person; ``box``, with ``box`` of four numbers in pixels of the photo; and
    ``remove``, of the person who is picked.

    Args:
        view: shown first.
    """
    return gr.HTML(
        view and tools_value(view),
        html_template=_HTML,
        css_template=_CSS,
        js_on_load=_JS,
        apply_default_css=False,
        elem_id="tools",
    )


def tools_value(view: View) -> str:
    """What the script needs to know of the picture, as JSON; places in pixels of the photo."""
    picked = view.result.chosen(view.choices.who)
    return json.dumps(
        {
            "size": view.result.shape[::-1],
            "people": [
                {"who": str(number), "box": one.box.round(1).tolist()}
                for number, one in enumerate(view.result.people, start=1)
            ],
            "picked": view.choices.who if len(picked) == 1 else None,
            "joints": [_joints(view, number) for number in view.poses],
        },
        default=float,
    )


def _joints(view: View, number: str) -> list[dict[str, Any]]:
    """The joints of a person that are drawn."""
    pose = view.poses[number]
    drawn = joint_opacity(pose, view.choices.min_confidence) > 0
    return [
        {"name": name.replace("_", " "), "place": place.round(1).tolist(), "confidence": f"{confidence:.2f}"}
        for name, place, confidence, shown in zip(
            SKELETONS[pose.skeleton].joints, pose.joints_2d, pose.confidence, drawn, strict=True
        )
        if shown
    ]
