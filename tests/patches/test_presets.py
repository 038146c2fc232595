"""Presets, as its own package would be one."""

import asyncio
import importlib
import logging
import sys

import pytest

import memo
from memo import Patch, recording
from memo.errors import InvalidOption
from memo.patches import presets


@pytest.fixture
def preset(monkeypatch, tmp_path):
    """Put a preset beside those of memo, named by what it requires: what is logged once is logged for each."""

    def put(requires, *patches):
        (tmp_path / "fakesdk.py").write_text("")
        monkeypatch.setattr(presets, "__path__", [*presets.__path__, str(tmp_path)])
        module = importlib.import_module("memo.patches.presets.fakesdk")
        module.REQUIRES, module.PATCHES = requires, patches

    yield put
    sys.modules.pop("memo.patches.presets.fakesdk", None)


def test_a_preset_of_an_sdk_that_is_not_installed(preset, caplog):
    caplog.set_level(logging.INFO)
    preset("fakesdk>=2.0", Patch("fakesdk.client:Client.ask", offered=True))
    for _ in range(2):
        with memo.install("fakesdk") as installation:
            assert installation.targets == ()
    assert [(each.levelno, each.message) for each in caplog.records] == [
        (logging.INFO, "fakesdk is not installed; its preset needs fakesdk>=2.0")
    ]


def test_a_preset_of_an_sdk_that_is_too_old(mod, preset, caplog):
    caplog.set_level(logging.INFO)
    offered = [Patch(f"{mod.__name__}:{path}", offered=True) for path in ("Base.ask", "Base.request")]
    preset("pytest>=999.1", *offered)
    for _ in range(2):
        with memo.install("fakesdk") as installation:
            assert installation.targets == (f"{mod.__name__}:Base.ask",)
    mentioned, missing = caplog.records
    assert (mentioned.levelno, missing.levelno) == (logging.WARNING, logging.WARNING)
    assert "its preset needs pytest>=999.1" in mentioned.message
    assert "Base has no request" in missing.message
    assert "the preset needs pytest>=999.1" in missing.message


def test_options_are_added_to_a_presets_own(mod, preset):
    target = f"{mod.__name__}:Base.ask"
    preset("pytest>=1", Patch(target, {"name": "fake", "ignore": ("trace",)}, offered=True))
    with (
        memo.install("fakesdk", ignore=["question"]),
        recording(store := memo.stores.MemoryStore(), mode="record") as rec,
    ):
        asyncio.run(mod.Base().ask("a", trace=1))
        asyncio.run(mod.Base().ask("b", trace=2))
    assert len(list(store.scan("fake/"))) == 1
    assert rec.stats.recorded
    with pytest.raises(InvalidOption, match="nmae"):
        memo.install("fakesdk", nmae="x")
