"""Which checkpoint is served; the Hub is a double."""

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from demo.page import build_page
from demo.service import MODEL_VARIABLE, Service
from fusion_model import checkpoints


def test_a_hub_out_of_reach_is_replaced_by_the_bundled_model_and_said(monkeypatch):
    def download(*_, **__):
        raise LocalEntryNotFoundError("no route")

    monkeypatch.setattr(checkpoints, "snapshot_download", download)
    monkeypatch.setenv(MODEL_VARIABLE, "user/name@main")
    service = Service.from_environment()
    assert service.info()["model"] == "default"
    assert "user/name@main could not be fetched" in service.notice
    texts = [block.value for block in build_page(service).blocks.values() if hasattr(block, "value")]
    assert service.notice in texts


def test_a_missing_folder_is_no_reason_to_serve_something_else(monkeypatch, tmp_path):
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "missing"))
    with pytest.raises(SystemExit, match="cannot be loaded"):
        Service.from_environment()


def test_the_bundled_model_needs_no_words(monkeypatch):
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    assert Service.from_environment().notice == ""
