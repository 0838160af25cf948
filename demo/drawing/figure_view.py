"""A 3D figure on the page that turns like a turntable and is drawn anew in place.

``gr.Plot`` throws its drawing away and makes another one for each new value. For a 3D figure that means a new WebGL
context with all its shaders, most of a second without a graphics card, and a camera that forgets how it was turned.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

if TYPE_CHECKING:
    import gradio as gr

JS, CSS = (Path(__file__).with_name(f"figure_view.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))

# Plotly comes with the page's gr.Plot, which may still be loading. A figure that is out of sight has no size: it is
# drawn when it comes into sight.
_ON_LOAD = """
const graph = element.querySelector('.graph'), view = figureView(element.querySelector('.stage'));
let drawn = null, asked = false;

const draw = () => {
  asked = false;
  graph.hidden = !props.value;
  if (!props.value || props.value === drawn || !graph.clientWidth) return;
  if (!window.Plotly) { asked = true; setTimeout(draw, 30); return; }
  drawn = props.value;
  view.draw(JSON.parse(drawn));
};

watch('value', () => asked || draw());
new ResizeObserver(() => {
  if (props.value !== drawn) asked || draw();
  else if (graph.clientWidth && graph._fullLayout) window.Plotly.Plots.resize(graph);
}).observe(graph);
draw();
"""


def figure_view(figure: go.Figure | None, *, label: str, described_by: str, elem_id: str) -> gr.HTML:
    """The component, whose values are those of :func:`figure_value`.

    Args:
        figure: shown first; None shows nothing.
        label: of the figure, in a few words.
        described_by: ``elem_id`` of the text that describes the figure.
        elem_id: of the component.
    """
    import gradio as gr  # noqa: PLC0415 - exports write the page without it

    return gr.HTML(
        figure_value(figure),
        html_template=markup(label, described_by),
        css_template=CSS,
        js_on_load=JS + _ON_LOAD,
        apply_default_css=False,
        label=label,
        elem_id=elem_id,
    )


def figure_value(figure: go.Figure | None) -> str:
    """A figure, frames included, as the component's value; empty for none."""
    return "" if figure is None else figure.to_json()


def figure_page(figure: go.Figure, title: str) -> str:
    """A whole HTML page of some megabytes with the figure and Plotly inside it, which needs no network.

    Args:
        figure: to be shown, as high as the window.
        title: of the page.
    """
    value = figure_value(figure).replace("</", "<\\/")  # or a text in it might end the script
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<style>
body {{ margin: 0; }}
.stage {{ display: flex; flex-direction: column; height: 100vh; border-radius: 0; }}
.frame {{ flex: 1; min-height: 0; }}
.graph {{ height: 100%; }}
{CSS}
</style>
</head>
<body>
{markup(title, "")}
<script>{get_plotlyjs()}</script>
<script>
{JS}
const dark = matchMedia('(prefers-color-scheme: dark)');
const paint = () => document.documentElement.classList.toggle('dark', dark.matches);
dark.addEventListener('change', paint);
paint();
const source = {value}, view = figureView(document.querySelector('.stage'));
delete source.layout.height;
view.draw(structuredClone(source));
addEventListener('resize', () => Plotly.Plots.resize(document.querySelector('.graph')));
</script>
</body>
</html>
"""


def markup(label: str, described_by: str) -> str:
    """What the script fills in: buttons, photo, drawing, and what is said of the joint under the pointer."""
    described = f' aria-describedby="{described_by}"' if described_by else ""
    return (
        '<div class="stage"><div class="bar"></div>'
        '<div class="frame"><div class="photo"><img alt="" hidden></div>'
        f'<div class="graph" role="group" tabindex="0" aria-label="{escape(label)}"{described}></div>'
        '<div class="ring" hidden></div><div class="tip" hidden></div></div></div>'
    )
