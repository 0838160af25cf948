"""The page's theme and style sheets."""

from __future__ import annotations

import gradio as gr

WIDTH = 1440
"""Pixels of the page, with 32 on both sides of its contents."""

HERO_CSS = """
.hero h1 { margin: 4px 0 6px; font-size: clamp(1.6rem, 3vw, 2.2rem); line-height: 1.15; letter-spacing: -0.02em; }
.hero h1 { text-wrap: balance; }
.hero { display: grid; grid-template-columns: 1fr auto; align-items: end; gap: 2px 32px; }
.hero p { grid-column: 1 / -1; grid-row: 2; }
.hero p { margin: 0; font-size: 1.05rem; }
.hero nav { display: flex; flex-wrap: wrap; gap: 0 20px; }
.hero nav a { padding: 4px 0; }
.hero nav .copy { padding: 4px 0; border: 0; background: none; font: inherit; cursor: pointer; }
.hero nav :is(a, .copy) { color: #1d4ed8; text-decoration: underline; text-underline-offset: 3px; }
.dark .hero nav :is(a, .copy) { color: #93c5fd; }
@media (max-width: 640px) {
  .hero { grid-template-columns: 1fr; }
  .hero p { font-size: 0.98rem; line-height: 1.4; }
  .hero nav { gap: 0 10px; font-size: 0.82rem; }
}
"""

CSS = """
.hint { padding: 4rem 1rem; text-align: center; }
#hero { margin-bottom: -8px; }
#input { align-items: center; }
.gradio-container .html-container { padding: 0; }
button[role="tab"][aria-selected="true"]:not(.dark *) { color: #1d4ed8; }
.tabitem { padding-top: 10px !important; }
.gradio-container .tabs { min-height: 100vh; }
#figure, #weights, #motion { overflow: hidden; }
:is(#figure, #motion):has(.graph[hidden]) { display: none; }
#progress label { display: block; padding-top: 8px; }
#progress label::first-letter { text-transform: uppercase; }
#progress progress { display: block; width: 100%; height: 0.9rem; margin-top: 0.4rem; }
#progress progress { appearance: none; border: 0; border-radius: 4px; overflow: hidden; background: #8b92a055; }
#progress progress::-webkit-progress-bar { background: #8b92a055; }
#progress progress::-webkit-progress-value { background: #2563eb; }
#progress progress::-moz-progress-bar { background: #2563eb; }
#stop:disabled { background: var(--button-secondary-background-fill); color: var(--body-text-color); }
#clip video { max-height: 380px; }
#motion-hint:has(~ * #motion) { display: none; }
#notice:not(.hidden) { border-left: 4px solid #e08a00; padding: 0.5rem 0.9rem; border-radius: 4px; }
#notice, #serving { background: rgba(224, 138, 0, 0.12); }
#serving { padding: 0.5rem 0.9rem; border-radius: 4px; }
#download { align-self: flex-end; }
footer > .divider:last-child { display: none; }
#model-card :is(.token, a[href^="mailto:"]) { color: inherit; text-decoration: none; }
#min-confidence input[type="range"]::-webkit-slider-thumb { border: 2px solid #1d4ed8; }
#min-confidence input[type="range"]::-moz-range-thumb { border: 2px solid #1d4ed8; }
#kind input { text-overflow: ellipsis; padding-right: 1.6rem; }
#on-photo, #in-3d { min-height: 532px; }
#picture img { user-select: none; object-fit: contain; }
#photo .prompt span:not(:first-child) { display: none; }
:is(#photo, #picture):has(img) [data-testid="block-label"] { display: none; }
#picture.armed { outline: 3px dashed #2997ff; outline-offset: -3px; }
#picture.armed img { cursor: crosshair; touch-action: none; }
:is(.away, .nobody .pose) { display: none !important; }
.gradio-container:has(:is(.away, .nobody)) .hero a[href="#lab"] { visibility: hidden; }
.key { font-size: 0.9rem; opacity: 0.9; }
.key b { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 50%; margin-right: 0.35em; }
.key b.hollow { box-sizing: border-box; border: 2px solid #8b92a0; }
.pose .prose h2 { margin: 12px 0 2px; }
.key span { display: inline-block; margin-right: 0.9em; }
#maps .thumbnail-lg { height: auto; aspect-ratio: auto; display: flex; flex-direction: column; }
#maps .thumbnail-lg img { height: auto; aspect-ratio: 1; }
#maps .thumbnail-lg.lit { outline: 3px solid #3b82f6; }
#maps .caption-label {
  position: static; max-width: 100%; width: 100%; padding: 2px 3px; border: 0; border-radius: 0;
  font-size: 0.75rem; line-height: 1.3; text-align: center; white-space: normal;
}
#maps .grid-wrap, #maps { min-height: 0 !important; max-height: none !important; height: auto !important; }
#maps .gallery-container:has(.preview) { height: min(640px, 90vh, 120vw) !important; overflow: hidden; }
#maps .gallery-container:has(.preview) .grid-wrap { visibility: hidden; }
@media (min-width: 1001px) {
  #maps .grid-container:not(:has(> :nth-child(9))) { grid-template-columns: repeat(6, minmax(0, 190px)) !important; }
}
@media (max-width: 1000px) { #maps .grid-container { grid-template-columns: repeat(6, minmax(0, 1fr)) !important; } }
@media (max-width: 640px) {
  #maps .grid-container { grid-template-columns: repeat(3, minmax(0, 1fr)) !important; }
  .hint { padding: 1rem; }
  #input { flex-direction: column; align-items: stretch; min-height: 196px; }
  #photo:has(img) { display: none; }
  #in-3d { order: -1; }
  #picture { height: auto !important; }
  #picture .image-frame { width: 100%; }
  #picture img { max-height: 90vh; }
  #on-photo { min-height: 0; }
}
"""
CSS += f"{HERO_CSS} .gradio-container .app {{ max-width: {WIDTH}px !important; }}"


def theme() -> gr.themes.Base:
    """Fonts of the system only, so that the page asks no other server for anything."""
    base = gr.themes.Default(
        primary_hue="blue", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )
    # The default greys of small print are too faint to read.
    return base.set(
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
    )
