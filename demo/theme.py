"""The page's theme and style sheet."""

from __future__ import annotations

import gradio as gr

CSS = """
.gradio-container { max-width: 1440px !important; width: 100% !important; margin: 0 auto !important; }
.hint { padding: 4rem 1rem; text-align: center; opacity: 0.75; }
#figure, #weights, #motion { overflow: hidden; }
:is(#figure, #motion):has(.graph[hidden]) { display: none; }
#progress label { display: block; }
#progress progress { display: block; width: 100%; height: 0.9rem; margin-top: 0.4rem; }
#progress progress { appearance: none; border: 0; border-radius: 4px; overflow: hidden; background: #8b92a055; }
#progress progress::-webkit-progress-bar { background: #8b92a055; }
#progress progress::-webkit-progress-value { background: #2563eb; }
#progress progress::-moz-progress-bar { background: #2563eb; }
#clip video { max-height: 380px; }
#notice:not(.hidden) { border-left: 4px solid #e08a00; padding: 0.5rem 0.9rem; border-radius: 4px; }
#notice, #serving { background: rgba(224, 138, 0, 0.12); }
#serving { padding: 0.5rem 0.9rem; border-radius: 4px; }
#draw, #download { align-self: flex-end; }
#kind input { text-overflow: ellipsis; padding-right: 1.6rem; }
#picture.armed img { cursor: crosshair; outline: 3px dashed #2997ff; outline-offset: -3px; }
.key { font-size: 0.9rem; opacity: 0.9; }
.key b { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 50%; margin-right: 0.35em; }
.key span { display: inline-block; margin-right: 0.9em; }
#maps .thumbnail-lg { height: auto; aspect-ratio: auto; display: flex; flex-direction: column; }
#maps .thumbnail-lg img { height: auto; aspect-ratio: 1; }
#maps .caption-label {
  position: static; max-width: 100%; width: 100%; padding: 2px 3px; border: 0; border-radius: 0;
  font-size: 0.68rem; line-height: 1.3; text-align: center; white-space: normal;
}
#maps .grid-wrap, #maps { min-height: 0 !important; max-height: none !important; height: auto !important; }
@media (min-width: 900px) { #input { position: sticky; top: 1rem; align-self: flex-start; } }
@media (max-width: 640px) {
  #maps .grid-container { grid-template-columns: repeat(3, minmax(0, 1fr)) !important; }
  .hint { padding: 1rem; }
}
"""


def theme() -> gr.themes.Base:
    """Fonts of the system only, so that the page asks no other server for anything."""
    base = gr.themes.Default(
        primary_hue="blue", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )
    # The default greys of small print are too faint to read.
    return base.set(block_info_text_color="*neutral_500", block_info_text_color_dark="*neutral_400")
