"""What browsers show of the page at once: the example's result, where Gradio will draw it a second or two later."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

import plotly.graph_objects as go

from demo.drawing import figure_view
from demo.theme import HERO_CSS, WIDTH

_CSS = f"""
{HERO_CSS}
{figure_view.CSS}
& {{
  position: absolute; inset: 0 0 auto; z-index: 1; box-sizing: border-box; max-width: {WIDTH}px; margin: 0 auto;
  padding: 16px 32px; font: 14px/1.4 system-ui, sans-serif; color: #27272a;
}}
&.dark {{ color: #f4f4f5; }}
h1 {{ font-weight: 600; }}
.hero p {{ line-height: 1.625; }}
.tabs {{ height: 31px; margin-top: 4px; border-bottom: 1px solid #8b92a055; line-height: 32px; }}
.tabs span {{ display: inline-block; box-sizing: border-box; height: 32px; padding: 0 16px; }}
.tabs :first-child {{ border-bottom: 2px solid #3b82f6; color: #1d4ed8; }}
&.dark .tabs :first-child {{ color: #3b82f6; }}
.result {{ display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 16px; margin-top: 176px; }}
.result > * {{ grid-row: 1; }}
.in-3d {{ grid-column: 2; }}
.found {{ box-sizing: border-box; height: 532px; border: 1px solid #8b92a055; border-radius: 4px; overflow: hidden; }}
.found img {{ display: block; width: 100%; height: 100%; object-fit: contain; }}
.graph {{ height: 532px; }}
.said {{ margin: 16px 0 0; line-height: 1.625; opacity: 0.9; }}
@media (max-width: 640px) {{
  .hero p {{ line-height: 1.4; }}
  .result {{ grid-template-columns: minmax(0, 1fr); margin-top: 242px; }}
  .result > * {{ grid-area: auto; }}
  .found {{ height: auto; }}
}}
"""

# It goes when the page has what it shows, or after a while: then something went wrong that the page tells. A link to
# another tab or example leads to no such page.
_JS = """
const first = document.querySelector('#first'), asked = new URLSearchParams(window.location.search);
const theme = asked.get('__theme') ?? (window.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
const drawn = (name) => [...document.querySelectorAll(name)].some((one) => one.complete ?? true);
const in3d = first.querySelector('.poster') ? ':is(.poster, canvas)' : '.frame';  // which is drawn in when it is seen
const look = () => {
  const there = drawn('#picture img') && drawn(`#figure ${in3d}`) && drawn('#chooser .open');
  if (there || performance.now() > 20000) first.remove();
  else setTimeout(look, 30);
};
first.classList.toggle('dark', theme === 'dark');
if (asked.has('tab') || asked.has('example')) first.remove();
else look();
"""


def first_sight(hero: str, tabs: Sequence[str], picture: str, figure: go.Figure, poster: str, caption: str) -> str:
    """The HTML, which covers Gradio's page until that is drawn.

    Args:
        hero: the first lines, HTML.
        tabs: names of the tabs.
        picture: address of the photo with the skeleton.
        figure: the 3D view.
        poster: address of a picture of it; empty for none.
        caption: it in words.
    """
    # The 3D view first, as on phones: what a browser has drawn before it has read the rest must not move.
    names = "".join(f"<span>{name}</span>" for name in tabs)
    found = f"<div class='found'><img src='{picture}' alt=''></div>"
    in_3d = (
        f"<div class='in-3d'>{figure_view.markup('', '', figure, poster)}<p class='said'>{escape(caption)}</p></div>"
    )
    return (
        f"<style>#first {{ {_CSS} }} #first ~ gradio-app {{ visibility: hidden; }}</style>"
        f"<div id='first' inert>{hero}<div class='tabs'>{names}</div><div class='result'>{in_3d}{found}</div></div>"
        f"<script>(() => {{{_JS}}})();</script>"
    )


def address(path: Path) -> str:
    """Where browsers find a file that Gradio serves."""
    return f"./gradio_api/file={quote(str(path))}"
