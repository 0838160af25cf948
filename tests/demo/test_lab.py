"""The fusion lab: five networks on the person who is picked, once somebody looks; on ZeroGPU with the photo."""

import json

import numpy as np
import pytest

from demo import service as service_module
from demo.lab import Lab
from demo.service import Service
from demo.view import Choices, View
from demo.widgets.lab_view import lab_body, lab_value
from fusion_model import PoseEstimator
from fusion_model.comparison import Comparison, compare
from fusion_model.hub.strategies import COMPARED, save_strategies
from tests.helpers.access import check
from tests.helpers.earlier import assert_as_before
from tests.helpers.estimators import strategy_networks, sure
from tests.helpers.serving import WAIT, put, remove_photo, served, wait_for_figure

CHANGED = """old => (now => now.length === 4 && String(now) !== String(old))(
[...document.querySelectorAll('#lab li b')].map(one => one.innerText))"""


@pytest.fixture(scope="module")
def estimator():
    return sure()


@pytest.fixture(scope="module")
def lab(estimator):
    figures = {name: {"photos_mpjpe": 100 + k} for k, name in enumerate(COMPARED)}
    return Lab(strategy_networks(estimator.config.fusion), figures)


@pytest.fixture
def service(estimator, lab):
    return Service(estimator, lab=lab)


def test_it_belongs_to_its_hourglass_alone(tmp_path, estimator, lab, caplog):
    folder = save_strategies(tmp_path / "strategies", lab.networks, estimator.hourglass, lab.figures)
    assert list(Lab.beside(estimator, folder).networks) == list(COMPARED)
    assert Lab.beside(PoseEstimator.random("tiny", seed=1), folder) is None
    assert caplog.records == []
    (folder / "early.safetensors").unlink()
    assert Lab.beside(estimator, folder) is None
    assert "without its fusion lab" in caplog.text


def test_it_waits_until_somebody_asks_but_not_on_zerogpu(service, example, monkeypatch):
    assert service.predict_all(str(example)).people[0].comparison is None
    monkeypatch.setattr(service_module, "on_zero_gpu", lambda: True)
    monkeypatch.setattr(service, "_run_lab", lambda *_: pytest.fail("another call"))
    result = service.predict_all(str(example))
    (person,) = result.people
    assert list(person.comparison.strategies) == list(COMPARED)
    assert service.compare(result, person) is person.comparison
    assert Service(service.estimator).predict_all(str(example)).people[0].comparison is None  # no lab, no cost


def test_it_says_of_one_person_how_far_the_networks_are_apart(service, example, estimator, monkeypatch):
    view = View(service, service.predict_all(str(example)), Choices("1"))
    (person,) = view.result.people
    comparison = service.compare(view.result, person)
    assert np.allclose(comparison.plain, compare(estimator, {}, view.photo, person.pose).plain)
    rng = np.random.default_rng(0)
    made = {name: rng.normal(0, 300, (17, 3)) for name in COMPARED}
    comparison = Comparison(made, *rng.normal(0, 300, (2, 17, 3)))
    body = lab_body(view, comparison)
    assert_as_before("lab", body.split("<"), file="page.json")
    assert "data:image/png;base64," not in body  # Figure 5 is the bundled model's
    monkeypatch.setattr(estimator, "name", "default")
    assert "data:image/png;base64," in lab_body(view, comparison)
    assert json.loads(lab_value(view, "<p>"))["body"] == "<p>"
    assert json.loads(lab_value(view))["who"]
    both, _ = view.result.with_box("2", [0, 0, 9, 9], None)
    for who in ("2", "everyone"):
        assert json.loads(lab_value(View(service, both, Choices(who))))["who"] is None


@pytest.fixture(scope="module")
def address(estimator, lab, example):
    with served(estimator, lab=lab, example=example) as url:
        yield url


@pytest.fixture
def runs(monkeypatch):
    boxes = []

    def counted(estimator, networks, photo, pose):
        boxes.append(pose.person_box.tolist())
        return compare(estimator, networks, photo, pose)

    monkeypatch.setattr(service_module, "compare", counted)
    return boxes


def wait_for_lab(page):
    page.locator("#lab li").nth(4).wait_for(timeout=WAIT)
    return page.locator("#lab li b").all_inner_texts()


def test_it_opens_and_everyone_can_use_it(open_page, runs):
    page = open_page()
    wait_for_figure(page)
    page.get_by_label("Guess beyond the frame").check()
    page.wait_for_timeout(1000)
    assert runs == []  # before it is opened
    page.locator("#lab summary").click()
    before = wait_for_lab(page)
    assert all(text.endswith("mm") and text != "0 mm" for text in before)
    assert page.locator("#lab h4").all_inner_texts() == [
        "Photo alone", "Heatmaps alone", "Early fusion", "Late fusion", "Learnt fusion"
    ]  # fmt: skip
    assert page.locator("#lab svg[role=img]").count() == 6
    assert page.get_by_role("heading", name="What the photo adds").is_visible()
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 850})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    check(page)
    for _ in range(2):
        page.locator("#lab summary").click()
    page.wait_for_timeout(1000)
    assert len(runs) == 1  # for one person
    assert wait_for_lab(page) == before


def test_its_link_leads_to_it_and_while_it_is_open_it_follows_who_is_picked(open_page, runs, monkeypatch):
    page = open_page()
    link = page.get_by_role("link", name="Fusion lab")
    wait_for_figure(page)
    page.get_by_role("tab", name="Video").click()
    page.locator("#start").wait_for(timeout=WAIT)
    link.click()
    first = wait_for_lab(page)
    put(page, "box", "100 100 500 590")
    page.wait_for_function(CHANGED, arg=first, timeout=WAIT)
    assert len(runs) == 2
    put(page, "box", "0 400 200 600")
    page.get_by_label("Person 2").wait_for(timeout=WAIT)
    page.get_by_label("Everyone").check()
    page.locator("#lab").get_by_text("Pick one person to compare.").wait_for(timeout=WAIT)
    assert page.locator("#lab li").count() == 0

    def fail(*_):
        raise ValueError("no networks <today>")

    monkeypatch.setattr(service_module, "compare", fail)
    page.get_by_label("Person 1").check()
    page.locator("#lab").get_by_text("no networks <today>").wait_for(timeout=WAIT)
    assert page.get_by_test_id("toast-body").count() == 0
    remove_photo(page)
    link.wait_for(state="hidden", timeout=WAIT)
    assert not page.locator("#lab").is_visible()
