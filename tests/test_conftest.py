"""Under CI a skipped test is a failure; elsewhere, and for expected failures, nothing changes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
def run(tmp_path):
    """A function that runs pytest over some tests, with the project's conftest, in a folder of its own."""
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)

    def start(tests, ci):
        (tmp_path / "test_some.py").write_text(tests)
        environment = {**os.environ, "CI": ci, "PYTEST_ADDOPTS": ""}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    return start


def test_under_ci_skips_are_failures_that_give_the_reason(run):
    status, output = run(TESTS, ci="true")
    assert status == 1
    assert "1 failed, 1 passed, 1 xfailed, 1 error" in output  # a mark skips before the test, which is an error
    assert "no browser here" in output
    assert "by mark" in output


def test_under_ci_a_module_that_skips_itself_is_a_failure(run):
    status, output = run("import pytest\npytest.importorskip('no_such_module')\n", ci="true")
    assert status not in (0, 5)
    assert "no_such_module" in output


@pytest.mark.parametrize("ci", ["", "false"])
def test_elsewhere_a_skip_is_a_skip(run, ci):
    status, output = run(TESTS, ci)
    assert status == 0
    assert "1 passed, 2 skipped, 1 xfailed" in output


def test_under_ci_what_passes_passes(run):
    status, _ = run("def test_runs():\n    pass\n", ci="true")
    assert status == 0
