"""Marked tests whose calls memo has no part in: they connected to hosts, and nothing of it was recorded or replayed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from memo._engine.sessions.network import Network
from memo._engine.sessions.unseen import ConnectionWatch, watched
from memo.pytest_plugin._recorder import TestRecorder
from memo.pytest_plugin._settings import Settings

__all__ = ["Unseen", "unseen_line"]

_SHOWN = 5
_Begun = tuple[ConnectionWatch, TestRecorder, int]


class Unseen:
    """Which hosts marked tests connect to that make no call: by test, while it runs."""

    def __init__(self, settings: Settings) -> None:
        self._allowed = Network(settings.allowed)
        self._begun: dict[pytest.Item, _Begun] = {}

    def begin(self, item: pytest.Item, recorder: TestRecorder) -> None:
        """Watch a test, if it has the mark, and connections are no purpose of it. Idempotent."""
        if item not in self._begun and item.get_closest_marker("memo") is not None:
            watch = watched(recorder)
            if watch is not None:
                self._begun[item] = watch, recorder, recorder.counts.calls

    def end(self, item: pytest.Item) -> list[str]:
        """Return the hosts, with their ports, that the test connected to, if it made no call."""
        begun = self._begun.pop(item, None)
        if begun is None:
            return []
        watch, recorder, before = begun
        hosts = watch.stop()
        # A scope that other processes share has their calls, too.
        if recorder.shared is not None or recorder.counts.calls > before:
            return []
        return [host for host in hosts if not self._allowed.lists(host.rpartition(":")[0])]

    def close(self) -> None:
        """End the watch of a test that was interrupted."""
        for item in [*self._begun]:
            self.end(item)


def unseen_line(unseen: Mapping[str, list[str]]) -> str:
    """Return a line for all such tests, by their ids, and the hosts."""
    hosts = _listed([*dict.fromkeys(host for hosts in unseen.values() for host in hosts)])
    tests = "1 test" if len(unseen) == 1 else f"{len(unseen):,} tests"
    return (
        f"{tests} with the mark memo made no call that memo knows, but connected to {hosts}: "
        f'{{"patches": ["http"]}} in memo_config, or memo.install(\'http\'), records it ({_listed([*unseen])})'
    )


def _listed(names: list[str]) -> str:
    more = [f"{len(names) - _SHOWN:,} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more])
