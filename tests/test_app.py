"""What ``app.py`` does, in order: as a command, and where it is imported."""

import runpy
from argparse import Namespace
from pathlib import Path
from unittest.mock import Mock, call

import pytest

APP = str(Path(__file__).parents[1] / "app.py")


@pytest.mark.parametrize("mcp", [True, False, None])
def test_the_page_over_the_chosen_model_is_launched_as_the_command_line_says(monkeypatch, mcp):
    done = Mock()
    done.parse_arguments.return_value, done.launch_options.return_value = Namespace(mcp=mcp), {"mcp_server": 1}
    for place in ("page.parse_arguments", "retention.own_folder", "memory.give_back_memory", "page.build_page"):
        monkeypatch.setattr(f"demo.{place}", getattr(done, place.partition(".")[2]))
    monkeypatch.setattr("demo.page.launch_options", done.launch_options)
    monkeypatch.setattr("demo.service.Service.from_environment", done.from_environment)
    runpy.run_path(APP, run_name="app" if mcp is None else "__main__")
    built = [call.own_folder(), call.give_back_memory(), call.from_environment()]
    built.append(call.build_page(done.from_environment.return_value))
    launched = [call.launch_options(mcp=mcp), call.build_page().launch(mcp_server=1)]
    assert done.mock_calls == (built if mcp is None else [call.parse_arguments(), *built, *launched])
