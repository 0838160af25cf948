"""The whole page: what it opens with, what it asks for, and how it is started."""

import pytest

from demo.about import hero
from demo.page import parse_arguments
from fusion_model import PoseEstimator
from tests.helpers.serving import WAIT, served, upload, wait_for_figure, wait_for_result


def test_the_page_opens_with_the_example_solved_and_estimates_nothing(open_page, example, stand_in, monkeypatch):
    with served(stand_in, example=example) as url:  # another server of this process may have taken an older one's files
        monkeypatch.setattr(type(stand_in), "predict_all", lambda *_, **__: pytest.fail("the network was run"))
        page = open_page(url=url)
        wait_for_figure(page)
        assert page.locator("#picture img").is_visible()
        assert page.get_by_text("Download", exact=True).count() == 1
        assert "faces the camera" in page.locator("#caption").inner_text()
        page.get_by_label("Person 2").check()
        page.get_by_text("Person 2: confidence").wait_for(timeout=WAIT)
        assert page.get_by_test_id("toast-body").count() == 0


def test_over_the_bundled_model_it_asks_no_other_server(open_page, example):
    with served(PoseEstimator.from_pretrained("default")) as url:
        page = open_page(url=url)
        upload(page, example)
        wait_for_result(page)
        assert page.locator("#times code").inner_text() == "default"
        assert page.get_by_test_id("toast-body").count() == 0
        assert [asked for asked in page.asked if not asked.startswith((url, "data:", "blob:"))] == []


@pytest.mark.parametrize("space", [None, "user/name"])
def test_the_code_is_linked_where_its_address_is_known(monkeypatch, space):
    monkeypatch.delenv("SPACE_ID", raising=False)
    if space:
        monkeypatch.setenv("SPACE_ID", space)
    assert ("https://huggingface.co/spaces/user/name/tree/main" in hero().value) == bool(space)


def test_mcp_without_its_package_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("demo.page.find_spec", lambda _: None)
    with pytest.raises(SystemExit) as end:
        parse_arguments(["--mcp"])
    assert end.value.code == 2
    assert 'pip install "gradio[mcp]"' in capsys.readouterr().err
