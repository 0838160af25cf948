"""Start the page: ``python app.py``, or a Hugging Face Space."""

from demo.service import Service  # isort: skip  # first: on ZeroGPU it must come before torch
from demo.page import build_page, launch_options

page = build_page(Service.from_environment())

if __name__ == "__main__":
    page.launch(**launch_options())
