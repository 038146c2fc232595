"""The twin-run law, held by random programs: what ran without a word from memo while it was recorded runs the same in replay.

`MEMO_LAW=20000 pytest tests/law` tries that many programs on each event loop and in each mode; the default is quick.
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from law import breach
from law_programs import programs, racing

PROGRAMS = int(os.environ.get("MEMO_LAW", "40"))


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(max_examples=PROGRAMS, suppress_health_check=list(HealthCheck))
@given(program=programs)
def test_the_twin_run_law(backend, mode, program):
    assert breach(program, backend, mode) == ""


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(max_examples=PROGRAMS, suppress_health_check=list(HealthCheck))
@given(program=racing)
def test_calls_end_in_the_recorded_order(backend, mode, program):
    assert breach(program, backend, mode) == ""
