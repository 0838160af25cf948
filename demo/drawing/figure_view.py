"""A 3D figure on the page that is drawn anew in place.

``gr.Plot`` throws its drawing away and makes another one for each new value. For a 3D figure that means a new WebGL
context with all its shaders, most of a second without a graphics card, and a camera that forgets how it was turned.
"""

from __future__ import annotations

import gradio as gr
import plotly.graph_objects as go

# Plotly comes with the page's gr.Plot, which may still be loading. A figure that is out of sight has no size: it is
# drawn when it comes into sight. Plotly's own buttons are pictures, which no keyboard reaches.
_DRAW_JS = """
const graph = element.querySelector('.graph');
let drawn = null, asked = false;

const describe = () => {
  for (const canvas of graph.querySelectorAll('canvas')) {
    canvas.setAttribute('role', 'img');
    for (const name of ['aria-label', 'aria-describedby']) canvas.setAttribute(name, graph.getAttribute(name));
  }
  for (const button of graph.querySelectorAll('.updatemenu-button')) {
    button.setAttribute('role', 'button');
    button.setAttribute('tabindex', '0');
  }
};

const draw = () => {
  asked = false;
  graph.hidden = !props.value;
  if (!props.value || props.value === drawn || !graph.clientWidth) return;
  if (!window.Plotly) { asked = true; setTimeout(draw, 30); return; }
  drawn = props.value;
  const figure = JSON.parse(drawn);
  const old = graph.layout;
  if (old && old.uirevision === figure.layout.uirevision) figure.layout.scene.camera = old.scene.camera;
  figure.layout.autosize = true;
  window.Plotly.react(graph, figure).then(describe);
};

watch('value', () => asked || draw());
new ResizeObserver(() => {
  if (props.value !== drawn) asked || draw();
  else if (graph.clientWidth && graph._fullLayout) window.Plotly.Plots.resize(graph);
}).observe(graph);
graph.addEventListener('keydown', (event) => {
  const button = event.target.closest('.updatemenu-button');
  if (!button || !['Enter', ' '].includes(event.key)) return;
  event.preventDefault();
  button.dispatchEvent(new MouseEvent('click'));
});
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
    return gr.HTML(
        figure_value(figure),
        html_template=f'<div class="graph" role="group" aria-label="{label}" aria-describedby="{described_by}"></div>',
        js_on_load=_DRAW_JS,
        apply_default_css=False,
        label=label,
        elem_id=elem_id,
    )


def figure_value(figure: go.Figure | None) -> str:
    """A figure, frames included, as the component's value; empty for none."""
    return "" if figure is None else figure.to_json()
