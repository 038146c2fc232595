"""Recordings made, rekeyed and read back, for the tests of `memo.maintenance.rekey`."""

import asyncio

import orjson

from memo import recording
from memo._calls.digest import call_key, entry_name
from memo._json import canonical_json
from memo._recordings.document import FORMAT_VERSION, Document, render
from memo.maintenance.changes import apply
from memo.maintenance.rekey import Rekey, plan_rekey

MISSING = object()


def record(store, function, *arguments, **named):
    with recording(store, mode="record"):
        return asyncio.run(function(*arguments, **named))


def replay(store, function, *arguments, **named):
    with recording(store, mode="replay"):
        return asyncio.run(function(*arguments, **named))


def rekey(store, *, only=(), **options):
    """Do it, and say how many changed."""
    change = Rekey(**options)
    return apply(store, plan_rekey(store, change, only=only), change).changed


def put(store, function, arguments, value=1, *, version=MISSING, watched=None, test=None):
    """A recording, as the recorder writes it. Its name."""
    data = canonical_json(arguments)
    told = None if version is MISSING else version
    key = call_key(function, data, told)
    document = {
        "memo": FORMAT_VERSION,
        "function": function,
        **({"version": told} if told is not None else {}),
        "key": key,
        "arguments": orjson.loads(data),
        **({"watched": watched} if watched else {}),
        "recorded_at": "2026-11-23T09:30:00Z",
        **({"test": test} if test else {}),
        "outcomes": [{"value": value, "seconds": 0.5}],
    }
    name = entry_name(function, key)
    store.put(name, render(Document.from_tree(document)))
    return name


def contents(store):
    return {name: store.get(name) for name in store.scan()}


def documents(store):
    return [orjson.loads(data) for data in contents(store).values()]
