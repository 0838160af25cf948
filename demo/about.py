"""What the page says of itself: its first lines, its limits and its model card."""

from __future__ import annotations

import os
import re

import gradio as gr

from demo.widgets import LINKS_JS

PAPER = "https://arxiv.org/abs/1611.05708"

_LIMITS = """
- **Size is a convention.** One photo does not tell how tall a person is: 170 cm is assumed until you say otherwise.
- **Depth is a good guess.** It was learnt from rendered people and from another network, not from measured poses: trust
  which limb is nearer more than by how much.
- **Unusual poses** fail first, and people upside down, people who overlap and bodies cut off by the frame. Seen from
  the side, both legs or arms may be placed on one.
- One frame at a time. No hands, no face, no identity.
"""

# A link to a closed section opens it, and the tab that it is in, the first.
_OPEN_JS = """
const openLab = () => {
  const lab = document.querySelector('#lab');
  lab.querySelector('details').open = true;
  if (lab.clientHeight) return;
  document.querySelector('[role=tab]').click();
  setTimeout(() => lab.scrollIntoView(), 100);
};
element.addEventListener('click', (event) => {
  if (event.target.closest('a[href="#lab"]')) openLab();
  if (!event.target.closest('a[href="#model-card"]')) return;
  const button = document.querySelector('#model-card button');
  if (button && button.getAttribute('aria-expanded') !== 'true' && !button.classList.contains('open')) button.click();
});
"""


def hero(*, with_lab: bool = False) -> gr.HTML:
    """The first lines, as a component; see :func:`hero_lines`."""
    return gr.HTML(hero_lines(with_lab=with_lab), js_on_load=_OPEN_JS + LINKS_JS, elem_id="hero")


def hero_lines(*, with_lab: bool) -> str:
    """The first lines, as HTML: what one can do here, what is special, and where to read more.

    Args:
        with_lab: whether the page has a fusion lab.
    """
    lab = {"Fusion lab": "#lab"} if with_lab else {}
    links = {"Paper": PAPER, **_code(), **lab, "Model card": "#model-card", "Limits": "#limits"}
    anchors = "".join(
        f"<a href='{address}'{'' if address.startswith('#') else ' target=_blank rel=noopener'}>{name}</a>"
        for name, address in links.items()
    )
    return (
        "<header class='hero'><h1>See anyone&rsquo;s pose in 3D, from one photo</h1>"
        "<p>The network has learnt where to fuse the photo with its joint heatmaps, and shows you both. "
        "No graphics card needed.</p>"
        f"<nav aria-label='About'>{anchors}<button type='button' class='copy'>Copy link</button></nav></header>"
    )


def about(card: str) -> None:
    """Add the limits and the model card to the current Blocks.

    Args:
        card: Markdown, with a front matter; empty for none.
    """
    gr.Markdown(f"## Limits\n{_LIMITS}", elem_id="limits")
    if card:
        with gr.Accordion("Model card", open=False, elem_id="model-card"):
            gr.Markdown(_inside(card))


def _code() -> dict[str, str]:
    """A link to the code, where that is known: on a Space."""
    space = os.environ.get("SPACE_ID")
    return {"Code": f"https://huggingface.co/spaces/{space}/tree/main"} if space else {}


def _inside(card: str) -> str:
    """A card without its front matter, its headings two levels lower, as part of the page."""
    text = re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL)
    parts = re.split(r"(^```.*?^```)", text, flags=re.DOTALL | re.MULTILINE)  # code, in which # begins a comment
    return "".join(part if part.startswith("```") else re.sub(r"^#", "###", part, flags=re.MULTILINE) for part in parts)
