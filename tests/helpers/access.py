"""What keeps whoever cannot see, point or tell faint greys apart from using the page."""

import json

from axe_playwright_python.sync_playwright import Axe


def check(page):
    """Fail with what axe finds in the dark and then the light theme, and still finds when every fade has ended."""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(f"document.body.classList.contains('dark') === {json.dumps(scheme == 'dark')}")
        if found := _violations(page):
            page.wait_for_timeout(1500)  # until nothing is half faded
            found = _violations(page)
        assert not found, (scheme, found)


def _violations(page):
    """What axe finds, in words."""
    return [
        f"{one['impact']}: {one['help']}: {node['target']}"
        for one in Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
