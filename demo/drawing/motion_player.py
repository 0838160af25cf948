"""A clip and its motion in 3D on the page, which move together under one timeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from demo.drawing import figure_view
from demo.drawing.motion_figure import motion_figure
from demo.video.motion import Motion

if TYPE_CHECKING:
    import gradio as gr

_JS, _CSS = (Path(__file__).with_name(f"motion_player.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
_PACES = {"1": "Normal speed", "0.5": "Half speed", "0.25": "Quarter speed"}

# As a figure, see demo.drawing.figure_view; the file of the clip is one that Gradio serves.
_ON_LOAD = """
const graph = element.querySelector('.graph'), player = motionPlayer(element.querySelector('.player'));
const { root = '', api_prefix: prefix = '/gradio_api' } = window.gradio_config || {};
let drawn = null;

const draw = () => {
  graph.hidden = !props.value;
  if (!props.value) { player.stop(); drawn = null; return; }
  if (props.value === drawn || !graph.clientWidth) return;
  withPlotly(() => {
    if (!props.value || props.value === drawn || !graph.clientWidth) return;
    drawn = props.value;
    const value = JSON.parse(drawn), path = value.file.split('/').map(encodeURIComponent).join('/');
    player.draw({ ...value, video: `${root}${prefix}/file=${path}` });
  });
};

watch('value', draw);
new ResizeObserver(() => {
  if (!graph.clientWidth) player.pause();
  else if (props.value !== drawn) draw();
  else player.resize();
}).observe(graph);
draw();
"""


def motion_player(*, label: str, described_by: str, elem_id: str) -> gr.HTML:
    """The component, empty at first, whose values are those of :func:`player_value`.

    Args:
        label: of the 3D view, in a few words.
        described_by: ``elem_id`` of the text that describes the motion.
        elem_id: of the component.
    """
    import gradio as gr  # noqa: PLC0415 - as in demo.drawing.figure_view

    return gr.HTML(
        "",
        html_template=_markup(label, described_by),
        css_template=figure_view.CSS + _CSS,
        js_on_load=figure_view.JS + figure_view.WITH_PLOTLY + _JS + _ON_LOAD,
        apply_default_css=False,
        label=label,
        elem_id=elem_id,
    )


def player_value(motion: Motion, film: Path) -> str:
    """A motion as the component's value.

    Args:
        motion: what moves.
        film: the clip of the same frames, a file in Gradio's cache.
    """
    figure, moving = motion_figure(motion)
    return json.dumps({"file": str(film), "figure": json.loads(figure.to_json()), "moving": moving})


def _markup(label: str, described_by: str) -> str:
    """What the script fills in: the clip, the 3D view, and the timeline below."""
    paces = "".join(f'<option value="{value}">{text}</option>' for value, text in _PACES.items())
    return (
        '<div class="player"><div class="views">'
        '<div class="film"><video muted loop playsinline preload="auto" aria-label="The clip with the skeleton">'
        f"</video></div>{figure_view.markup(label, described_by)}</div>"
        '<div class="timeline" role="group" aria-label="Timeline"><button type="button" class="play">Play</button>'
        '<input type="range" class="slider" min="0" max="0" step="1" value="0" aria-label="Frame">'
        '<output class="clock" aria-live="off"></output>'
        f'<select class="pace" aria-label="Speed">{paces}</select></div></div>'
    )
