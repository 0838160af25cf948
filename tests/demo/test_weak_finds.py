"""People of whom the model is unsure: found on the way, kept apart, and shown to whoever asks."""

import dataclasses

import numpy as np
from PIL import Image

from demo.service import Service
from fusion_model.images import load_photo
from tests.helpers.estimators import Seeing, seeing, sure
from tests.helpers.serving import WAIT, remove_photo, served, upload
from tests.helpers.stand_in import StandIn

BODIES = "document.querySelector('#figure .graph').data.filter(one => one.name === 'body').length"


def test_weak_finds_are_apart(example):
    people = (4, 2, 3.0, 8, 16, 8, 16, 0), (4, 6, -1.0, 6, 12, 6, 12, 0), (1, 4, -2.0, 6, 6, 6, 6, 0)
    both = seeing(sure(), *people)  # of the last one is too little for the detector to count
    scores = [pose.score for pose in both.predict_all(np.full((200, 200, 3), 90, np.uint8), min_score=0.2)]
    assert len(scores) == 2
    search = dataclasses.replace(both.config.search, person=float(np.mean(scores)))
    estimator = both.with_config(dataclasses.replace(both.config, search=search))
    shown, result = estimator.predict_all(example), Service(estimator).predict_all(str(example))
    assert [person.pose.score for person in result.people] == [pose.score for pose in shown]
    assert len(result.people) == len(result.more) == 1
    assert result.more[0].pose.score < estimator.trust_score <= result.people[0].pose.score
    assert Service(sure()).predict_all(str(example)).more == ()  # without a detector there are none


class _Unsure(StandIn):
    """Sees the two people of the stand-in in a bright photo; in a dim one, it is sure of nobody."""

    config = dataclasses.replace(StandIn.config, detector=Seeing.config)

    def predict_all(self, photo, *, min_score=None, **named):
        first, second = super().predict_all(photo, **named)
        bright = load_photo(photo).mean() > 60
        found = dataclasses.replace(first, score=0.9 if bright else 0.4), dataclasses.replace(second, score=0.3)
        return [pose for pose in found if pose.score >= (self.trust_score if min_score is None else min_score)]


def test_a_button_shows_them(open_page, tmp_path):
    for name, level in (("bright", 120), ("dim", 40)):
        Image.new("RGB", (320, 240), (level,) * 3).save(tmp_path / f"{name}.png")
    with served(_Unsure()) as url:
        page = open_page(url=url)
        upload(page, tmp_path / "bright.png")
        page.get_by_role("button", name="Show 1 more").click()
        page.get_by_label("Person 2").wait_for(timeout=WAIT)
        assert page.get_by_label("Everyone").is_checked()
        page.locator("#notice").get_by_text("weak finds").wait_for(timeout=WAIT)
        page.wait_for_function(f"{BODIES} === 2", timeout=WAIT)
        page.get_by_label("Person 1").check()
        page.locator("#notice").wait_for(state="hidden", timeout=WAIT)
        remove_photo(page)
        upload(page, tmp_path / "dim.png")
        page.locator("#notice").get_by_text("Nobody was found for sure").wait_for(timeout=WAIT)
        page.get_by_role("button", name="Show 2 more").click()
        page.locator("#notice").get_by_text("weak finds").wait_for(timeout=WAIT)
        page.wait_for_function(f"{BODIES} === 2", timeout=WAIT)
        assert page.broken == []
