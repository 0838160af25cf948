"""A 3D figure on the page that turns like a turntable and is drawn anew in place.

``gr.Plot`` throws its drawing away and makes another one for each new value. For a 3D figure that means a new WebGL
context with all its shaders, most of a second without a graphics card, and a camera that forgets how it was turned.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs, get_plotlyjs_version

if TYPE_CHECKING:
    import gradio as gr

PLOTLY = f"plotly-{get_plotlyjs_version()}.min.js"
"""What the page calls Plotly's script (:func:`plotly.offline.get_plotlyjs`): another one for another version."""

JS, CSS = (Path(__file__).with_name(f"figure_view.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))

WITH_PLOTLY = f"""
const withPlotly = (then) => {{ // loads it once for all views, after the page, whose first sight has pictures of them
  window.plotlyLoaded ??= new Promise((done) => {{
    const script = document.createElement('script');
    script.onload = done;
    script.src = `${{window.gradio_config?.root ?? ''}}/assets/{PLOTLY}`;
    const load = () => document.querySelector('#first') ? setTimeout(load, 30) : document.head.append(script);
    load();
  }});
  window.plotlyLoaded.then(then);
}};
"""

# A figure that is out of sight has no size: it is drawn when it comes into sight.
_ON_LOAD = """
const graph = element.querySelector('.graph'), view = figureView(element.querySelector('.stage'));
let drawn = null;

const draw = () => {
  graph.hidden = !props.value;
  if (!props.value || props.value === drawn || !graph.clientWidth) return;
  withPlotly(() => {
    if (!props.value || props.value === drawn || !graph.clientWidth) return;
    drawn = props.value;
    view.draw(JSON.parse(drawn));
  });
};

watch('value', () => { element.querySelector('.poster')?.remove(); draw(); });
new ResizeObserver(() => {
  if (props.value !== drawn) draw();
  else view.resize();
}).observe(graph);
draw();
"""

_FLAT = """
const plot = element.querySelector('.plot'), { data, layout } = JSON.parse(props.value);
const draw = () => {
  if (!plot.clientWidth) return;
  if (plot._fullLayout) window.Plotly.Plots.resize(plot);
  else window.Plotly.newPlot(plot, data, layout, { displayModeBar: false });
};
withPlotly(() => setTimeout(() => new ResizeObserver(draw).observe(plot), 300)); // after what is seen first
"""


def figure_view(figure: go.Figure | None, *, label: str, described_by: str, elem_id: str, poster: str = "") -> gr.HTML:
    """The component, whose values are those of :func:`figure_value`.

    Args:
        figure: shown first; None shows nothing.
        label: of the figure, in a few words.
        described_by: ``elem_id`` of the text that describes the figure.
        elem_id: of the component.
        poster: address of a picture of the figure, which is shown until it is drawn.
    """
    import gradio as gr  # noqa: PLC0415 - exports write the page without it

    return gr.HTML(
        figure_value(figure),
        html_template=markup(label, described_by, figure, poster),
        css_template=CSS,
        js_on_load=JS + WITH_PLOTLY + _ON_LOAD,
        apply_default_css=False,
        label=label,
        elem_id=elem_id,
    )


def flat_view(figure: go.Figure, *, label: str, elem_id: str) -> gr.HTML:
    """A component of one flat figure."""
    import gradio as gr  # noqa: PLC0415 - as above

    return gr.HTML(
        figure_value(figure),
        html_template=f'<div class="plot" role="img" aria-label="{escape(label)}"></div>',
        js_on_load=WITH_PLOTLY + _FLAT,
        apply_default_css=False,
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
addEventListener('resize', view.resize);
</script>
</body>
</html>
"""


def markup(label: str, described_by: str, figure: go.Figure | None = None, poster: str = "") -> str:
    """What the script fills in: buttons, photo, drawing, and what is said of the joint under the pointer.

    The buttons of the first figure are there at once, so that nothing moves when it is drawn.
    """
    described = f' aria-describedby="{described_by}"' if described_by else ""
    still = f'<img class="poster" src="{escape(poster)}" alt="">' if poster else ""
    return (
        f'<div class="stage"><div class="bar">{_buttons(figure)}</div>'
        f'<div class="frame"><div class="photo"><img alt="" hidden></div>{still}'
        f'<div class="graph" role="group" tabindex="0" aria-label="{escape(label)}"{described}></div>'
        '<div class="ring" hidden></div><div class="tip" hidden></div></div></div>'
    )


def _buttons(figure: go.Figure | None) -> str:
    """The buttons of a figure, in groups, as the script makes them."""
    menus = [] if figure is None else figure.layout.updatemenus
    groups = (
        "".join(
            f"<button type='button'{' aria-pressed=true' if one.args2 else ''}>{one.label}</button>"
            for one in menu.buttons
        )
        for menu in menus
    )
    return "".join(f"<div role='group'>{group}</div>" for group in groups)
