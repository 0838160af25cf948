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


@pytest.fixture
def run(pytester, monkeypatch):
    """A function that runs pytest over some tests, with the project's conftest, in a folder of its own."""
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text(encoding="utf-8"))

    def start(tests, ci):
        monkeypatch.setenv("CI", ci)
        pytester.makepyfile(tests)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider")

    return start


def test_under_ci_skips_are_failures_that_give_the_reason(run):
    result = run(TESTS, ci="true")
    assert result.ret == 1
    result.assert_outcomes(failed=1, passed=1, xfailed=1, errors=1)  # a mark skips before the test, which is an error
    assert "no browser here" in result.stdout.str()
    assert "by mark" in result.stdout.str()


def test_under_ci_a_module_that_skips_itself_is_a_failure(run):
    result = run("import pytest\npytest.importorskip('no_such_module')\n", ci="true")
    assert result.ret not in (0, 5)
    assert "no_such_module" in result.stdout.str()


@pytest.mark.parametrize("ci", ["", "false"])
def test_elsewhere_a_skip_is_a_skip(run, ci):
    result = run(TESTS, ci)
    assert result.ret == 0
    result.assert_outcomes(passed=1, skipped=2, xfailed=1)


def test_under_ci_what_passes_passes(run):
    assert run("def test_runs():\n    pass\n", ci="true").ret == 0
