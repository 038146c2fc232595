"""The law where the store fails at random, and where two processes run one program at once over one store.

A store that fails changes no value of a program that is recorded. Memo reports the failure; what it does not report
replays, what it spooled replays after `memo push`, and what was lost is recorded by the next run.

Two processes return the same outcomes, and replay agrees. Streams are left out there: without claims, each process has
handed on its own items before it learns of the other's.

`MEMO_LAW=5000 pytest tests/law/test_faults.py` tries that many programs in each way; the default is quick.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty import Faults, Pair, fault_breach, pair
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from law_programs import programs, values

PROGRAMS = int(os.environ.get("MEMO_LAW", "30"))
logging.getLogger("memo").addHandler(logging.NullHandler())
shares = st.sampled_from([0.0, 0.1, 0.3, 0.6, 1.0])
faults = st.builds(Faults, st.integers(0, 10**6), shares, shares, st.booleans(), st.booleans())


@pytest.mark.parametrize("mode", ["record", "record-if-missing"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(max_examples=PROGRAMS, suppress_health_check=list(HealthCheck))
@given(program=programs, faults=faults)
def test_a_store_that_fails(backend: str, mode: str, program: list, faults: Faults):
    assert fault_breach(program, backend, mode, faults) == ""


@pytest.fixture(scope="module")
def processes() -> Iterator[Pair]:
    """Two processes that run programs."""
    with pair() as made:
        yield made


@pytest.mark.parametrize("kind", ["directory", "sqlite"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(max_examples=PROGRAMS, suppress_health_check=list(HealthCheck))
@given(program=values)
def test_two_processes_at_once(backend: str, kind: str, program: list, processes: Pair, tmp_path_factory):
    folder: Path = tmp_path_factory.getbasetemp()
    assert processes.breach(program, backend, kind, folder / f"{backend} {kind}") == ""
