"""Start the page: ``python app.py [--mcp]``, or a Hugging Face Space."""

from demo.service import Service  # isort: skip  # first: on ZeroGPU it must come before torch
from demo.memory import give_back_memory
from demo.page import build_page, launch_options, parse_arguments
from demo.retention import own_folder

arguments = parse_arguments() if __name__ == "__main__" else None  # before the model is loaded
own_folder()
give_back_memory()
page = build_page(Service.from_environment())

if __name__ == "__main__":
    page.launch(**launch_options(mcp=arguments.mcp))
