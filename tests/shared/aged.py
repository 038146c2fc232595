"""Recordings made older than they are."""

from datetime import UTC, datetime, timedelta

import orjson

from memo._recordings.document import parse, render


def age(store, by=timedelta(hours=2)):
    """Make every recording of a store one of that long ago."""
    when = (datetime.now(UTC) - by).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name in list(store.scan()):
        data = store.get(name)
        store.put(name, render(parse(data, name)._replace(recorded_at=when)))


def values(store):
    """The values of the recordings of a store, sorted."""
    found = []
    for name in store.scan():
        found += [outcome["value"] for outcome in orjson.loads(store.get(name))["outcomes"]]
    return sorted(found)
