"""The whole page: what it opens with, what it asks for, how it is started, and timings (printed: pytest -s)."""

from contextlib import closing

import pytest
from PIL import Image

from demo.page import parse_arguments
from fusion_model import PoseEstimator
from tests.helpers.serving import WAIT, served, upload, wait_for_result


@pytest.fixture(scope="module")
def address(counting, example):
    with served(counting, example=example) as url:
        yield url


@pytest.mark.browser
def test_the_page_opens_with_the_example_solved_and_estimates_nothing(open_page, counting, monkeypatch):
    monkeypatch.setattr(counting, "predict_all", lambda *_, **__: pytest.fail("the network was run"))
    page = open_page()
    page.wait_for_selector("#figure .js-plotly-plot canvas", timeout=WAIT)
    assert page.locator("#picture img").is_visible()
    assert page.get_by_text("Download", exact=True).count() == 1
    assert "faces the camera" in page.locator("#caption").inner_text()
    page.wait_for_timeout(1000)
    assert page.get_by_test_id("toast-body").count() == 0
    page.get_by_label("Person 2").check()
    page.get_by_text("Person 2: confidence").wait_for(timeout=WAIT)


@pytest.mark.browser
def test_the_page_asks_no_other_server(open_page, example, stand_in):
    with served(stand_in) as url:
        page = open_page(url=url)
        upload(page, example)
        wait_for_result(page)
        assert [asked for asked in page.asked if not asked.startswith((url, "data:", "blob:"))] == []


@pytest.mark.browser
def test_over_a_real_network(open_page, example):
    """The tiny network is untrained: it may find a person or not, but the page must say which."""
    with served(PoseEstimator.random("tiny", seed=0)) as url:
        page = open_page(url=url)
        upload(page, example)
        page.wait_for_selector("#times code", timeout=WAIT)
        assert "random-tiny" in page.locator("#times").inner_text()
        notice, figure = page.locator("#notice"), page.locator("#figure .js-plotly-plot")
        figure.or_(notice).first.wait_for(timeout=WAIT)
        assert figure.is_visible() or "Nobody" in notice.inner_text() or "unsure" in notice.inner_text()


def test_mcp_without_its_package_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("demo.page.find_spec", lambda _: None)
    with pytest.raises(SystemExit) as end:
        parse_arguments(["--mcp"])
    assert end.value.code == 2
    assert 'pip install "gradio[mcp]"' in capsys.readouterr().err


WATCH = """() => {
    const painted = selector => new Promise(done => {
        const check = () => {
            const found = document.querySelector(selector);
            const there = found && found.getBoundingClientRect().height > 0 && found.complete !== false;
            requestAnimationFrame(there ? () => requestAnimationFrame(() => done(performance.now())) : check);
        };
        check();
    });
    window.painted = {picture: painted("#picture img"), figure: painted("#figure .js-plotly-plot canvas")};
}"""  # by the page's own clock: a check from outside waits until the browser has drawn everything


def seconds(page, what, since=0.0):
    """When something was painted, on the page's clock."""
    return page.evaluate(f"() => window.painted.{what}") / 1000 - since


@pytest.mark.browser
def test_timings_with_the_bundled_model(browser, example, tmp_path):
    """Printed, not asserted: they depend on the machine and on what else it does."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    with served(PoseEstimator.from_pretrained("default"), example=example) as url, closing(page):
        page.goto(url, timeout=WAIT, wait_until="commit")
        page.evaluate(WATCH)
        print(f"\nfirst useful paint {seconds(page, 'picture'):.2f} s, 3D figure {seconds(page, 'figure'):.2f} s")
        page.wait_for_timeout(1500)
        for number in range(3):
            path = tmp_path / f"new{number}.jpg"
            with Image.open(example) as photo:
                photo.resize((500 - 20 * number, 586 - 23 * number)).save(path)
            page.locator("#photo").get_by_role("button", name="Remove Image").click()
            page.get_by_text("The pose appears here").wait_for(timeout=WAIT)
            page.evaluate(WATCH)
            start = page.evaluate("() => performance.now()") / 1000
            upload(page, path)
            drawn, figure = (seconds(page, what, start) for what in ("picture", "figure"))
            print(f"new photo: skeleton {drawn:.2f} s, 3D figure {figure:.2f} s after the upload")
        assert page.locator("#times code").inner_text() == "default"
