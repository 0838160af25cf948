"""Under CI a skipped test is a failure; elsewhere, and for expected failures, nothing changes."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
TESTS = """
import pytest

def test_runs():
    pass

def test_skips_itself():
    pytest.skip("no browser here")

@pytest.mark.skipif(True, reason="by mark")
def test_skipped_by_mark():
    pass

@pytest.mark.xfail(reason="known", strict=True)
def test_expected_failure():
    assert False
"""


@pytest.mark.parametrize(
    ("ci", "outcomes"),
    [("true", {"failed": 1, "errors": 1}), ("false", {"skipped": 2})],  # a mark skips before the test: an error
)
def test_under_ci_skips_are_failures_that_give_the_reason(pytester, monkeypatch, ci, outcomes):
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text(encoding="utf-8"))
    monkeypatch.setenv("CI", ci)
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, xfailed=1, **outcomes)
    assert ("no browser here" in result.stdout.str()) == ("by mark" in result.stdout.str()) == (ci == "true")
    pytester.makepyfile("import pytest\npytest.importorskip('no_such_module')\n")  # skips while it is collected
    assert (pytester.runpytest_inprocess("-p", "no:cacheprovider").ret in (0, 5)) == (ci == "false")
