"""What keeps whoever cannot see, point or tell faint greys apart from using the page."""

import json

from axe_playwright_python.sync_playwright import Axe

SERIOUS = ("serious", "critical")
_FADES = 1500  # milliseconds after which nothing is half faded any more


def check(page):
    """Fail with what axe finds, and still finds when every fade has ended."""
    if found := _violations(page):
        page.wait_for_timeout(_FADES)
        found = _violations(page)
    assert not found, found


def check_both_themes(page):
    """The same in dark, and in light."""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(f"document.body.classList.contains('dark') === {json.dumps(scheme == 'dark')}")
        check(page)


def _violations(page):
    """What axe finds, in words."""
    return [
        f"{one['impact']}: {one['help']}: {node['target']}"
        for one in Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
