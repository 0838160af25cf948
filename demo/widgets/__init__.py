"""Parts of the page that Gradio has no component for: each a module with a script and a style sheet beside it."""
