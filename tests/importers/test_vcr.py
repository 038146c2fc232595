"""Cassettes of vcrpy: real ones, recorded from a real server by the SDK, and every oddity by hand."""

import base64
import gzip
import json
import logging
import os
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml

import memo
from memo import errors, recording
from memo.importers.vcr import import_recordings

vcr = pytest.importorskip("vcr")

pytestmark = pytest.mark.filterwarnings(r"ignore:Async generator '(openai|httpx2?|httpcore):ResourceWarning")


def clients(url: str, key: str) -> Any:
    options: Any = {"base_url": f"{url}/v1", "api_key": key, "max_retries": 0}
    return openai.AsyncOpenAI(**options), openai.OpenAI(**options)


@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("serializer", ["yaml", "json"])
async def test_what_a_client_recorded_is_replayed_to_it_typed(
    tmp_path, server, uses, shown, api_key, organization, gzipped, serializer
):
    if gzipped and serializer == "json":
        pytest.skip("vcrpy writes no bytes as JSON")
    server.gzipped = gzipped
    cassette = tmp_path / f"all.{serializer}"
    aclient, client = clients(server.url, api_key)
    live = []
    with vcr.VCR(serializer=serializer, record_mode="all").use_cassette(str(cassette)):
        for use in uses:
            live.append([shown(await use(each)) for each in (aclient, client)])
    server.stop()
    assert api_key in cassette.read_text()

    report = import_recordings(cassette, tmp_path / "store")
    assert report.failed == {}
    assert report.interactions == report.imported == 2 * len(uses)
    replayed = []
    with memo.install("openai"), recording(tmp_path / "store", mode="replay") as recorder:
        for use in uses:
            replayed.append([shown(await use(each)) for each in (aclient, client)])
    await aclient.close()
    client.close()
    assert replayed == live
    assert recorder.stats.replayed == 2 * len(uses)
    written = "".join(file.read_text() for file in (tmp_path / "store").rglob("*.json"))
    assert not any(secret in written for secret in (api_key, api_key[-4:], organization, "verysecretcookie", "a1B2a1B2"))
