"""Parts of the page that Gradio has no component for: each a module with a script and a style sheet beside it."""

from pathlib import Path

LINKS_JS = (Path(__file__).parent / "links.js").read_text(encoding="utf-8")
"""Of the page's head: opens what a link asks for, and copies such a link."""
