"""What keeps whoever cannot see, point or tell faint greys apart from using the page."""

from axe_playwright_python.sync_playwright import Axe

SERIOUS = ("serious", "critical")


def check(page):
    """Fail with what axe finds."""
    found = Axe().run(page).response["violations"]
    wrong = [
        f"{one['impact']}: {one['help']}: {node['target']}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
    assert wrong == []
