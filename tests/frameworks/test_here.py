"""The programs whose packages the tests have anyway: `run.py` beside this file runs all of them."""

import importlib.util
import sys
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("frameworks_run", Path(__file__).with_name("run.py"))
run = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(run)


@pytest.mark.parametrize("name", ["botocore_http", "google_genai", "openai"])
def test_a_program_is_recorded_twice_and_replayed(name, tmp_path):
    assert run.check(sys.executable, name, tmp_path, quick=True).recordings > 0


def test_the_table_of_frameworks_is_the_one_that_is_written():
    page = (run.ROOT / "docs" / "frameworks.md").read_text(encoding="utf-8")
    head = (run.HERE / "head.md").read_text(encoding="utf-8")
    assert page.startswith(head)
    assert [line.split(" ")[1] for line in page.removeprefix(head).splitlines()] == run.names()
