"""What all tests share: under CI a skipped test is a failure, and torch takes one thread beside other processes."""

import gc
import os

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Files with long tests first, so that at the end no process waits for the other's."""
    import torch  # not in a process that runs no tests

    torch.set_num_threads(1 if "PYTEST_XDIST_WORKER" in os.environ else min(2, torch.get_num_threads()))
    long = {item.path for item in items if {"browser", "slow"} & set(item.keywords)}
    items.sort(key=lambda item: item.path not in long)
    gc.freeze()  # what was imported need not be looked through again and again


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Turn a skip into a failure where ``CI`` is set, so that nothing goes untested unnoticed."""
    return _strict((yield), item)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """The same for a module that skips itself while it is collected."""
    return _strict((yield), collector)


def _strict(report, node):
    strict = os.environ.get("CI", "").lower() not in ("", "0", "false")
    if strict and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{node.nodeid} was skipped, which is a failure under CI: {report.longrepr}"
    return report
