"""Every error and warning of memo, through the front door: raised, with its values as fields, and still itself when copied."""

import contextvars
import copy
import pickle
import socket
import sys
import tempfile
import threading
import time
import types
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import ollama
import orjson
import pytest
from unrecordable import ask, calls, tell

import memo
from memo import Recorder, errors, recordable, recording
from memo._engine.sessions.network import Network
from memo.errors import (
    EntryVanished,
    InvalidMode,
    InvalidOption,
    OutcomesExhausted,
    RecordingNotFound,
    StoreFull,
    StoreLocked,
    StoreNotReadable,
    StoreNotWritable,
    StreamCutShort,
    UnkeyableArgument,
    UnrecordableValue,
    WatchedFieldChangedWarning,
)
from memo.maintenance import prune
from memo.stores import MemoryStore


def replay_of(tree: Any, function: Any = ask, *args: Any) -> Any:
    args = args or ("why",)
    store = MemoryStore()
    with recording(store, mode="record"):
        list(got) if isinstance(got := function(*args), types.GeneratorType) else got
    [name] = store.scan()
    document = orjson.loads(store.get(name) or b"")
    document["outcomes"] = [tree] if tree is not None else document["outcomes"]
    store.put(name, orjson.dumps(document))
    with recording(store, exhausted="error"):
        function(*args)
        return function(*args)


def raise_invalid_mode():
    recording("x", mode="reply").__enter__()


def raise_newer():
    store = MemoryStore()
    with recording(store, mode="record"):
        ask("why")
    [name] = store.scan()
    store.put(name, store.get(name).replace(b'"memo": 1', b'"memo": 99'))
    with recording(store):
        ask("why")


def raise_with(data: bytes):
    store = MemoryStore()
    with recording(store, mode="record"):
        ask("why")
    [name] = store.scan()
    store.put(name, data)
    with recording(store):
        ask("why")


def raise_cut_short():
    with recording(MemoryStore(), mode="record") as rec:
        stream = tell(3)
        next(stream)
        stream.close()
    with recording(rec.store):
        list(tell(3))


def raise_watched():
    f = recordable(watch="b", name="f")(lambda a, b: a)
    with recording(MemoryStore(), mode="record") as rec:
        f(1, 1)
    with recording(rec.store, on_watched_change="fail"):
        f(1, 2)


def raise_expired():
    with recording(MemoryStore(), mode="record") as rec:
        ask("why")
    [name] = rec.store.scan()
    rec.store.put(name, (rec.store.get(name) or b"").replace(b'"recorded_at": "2', b'"recorded_at": "1'))
    with recording(rec.store, max_age="30d", on_expiry="fail"):
        ask("why")


def raise_not_readable():
    class Store(MemoryStore):
        def get(self, name):
            raise StoreNotReadable("memory://", "is not there")

    with recording(Store()):
        ask("why")


def raise_store(error):
    class Store(MemoryStore):
        def put(self, name, data):
            raise error

    with recording(Store(), mode="record"):
        ask("why")


def raise_locked():
    class Store(MemoryStore):
        def get(self, name):
            raise StoreLocked("memory://", "is locked")

    with recording(Store()):
        ask("why")


def raise_mismatch():
    with recording(MemoryStore(), mode="record") as rec:
        ask("why")
    [name] = rec.store.scan()
    raise_with((rec.store.get(name) or b"").replace(b'"why"', b'"how"'))


def raise_missing():
    with recording(MemoryStore()):
        ask("why")


def raise_not_patched():
    client = ollama.Client("http://127.0.0.1:9")
    with recording(MemoryStore()):
        client.list()


def refuse_a_scope():
    with pickle.loads(pickle.dumps(memo.Captured(None, "signed by nobody"))):
        pass


def raise_blocked():
    network = Network(())
    network.block(lambda _: None)
    try:
        socket.getaddrinfo("example.com", 80)
    finally:
        network.close()


def raise_missing_extra():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "obstore", None)
        patch.delitem(sys.modules, "memo.stores._object", raising=False)
        recording("s3://bucket").__enter__()


def raise_spooled():
    class Far(MemoryStore):
        timeout = 1.0

        def create(self, name, data):
            raise errors.StoreError("memory://", "is gone")

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMO_SPOOL", folder)
        with recording(Far(), mode="record-if-missing"):
            ask("why")


def start_twice() -> None:
    recorder = memo.start(MemoryStore())
    try:
        memo.start(MemoryStore())
    finally:
        recorder.stop()


def lose_the_scope(mode: Any) -> None:
    with recording(MemoryStore(), mode=mode), recording(MemoryStore(), mode=mode):
        contextvars.Context().run(ask, "why")


def collide(recorder: Any) -> None:
    decorate = recordable(name="collides", recorder=recorder)
    one, other = decorate(lambda x: x + 1), decorate(lambda x: x + 100)
    with recording(MemoryStore(), mode="record"):
        one(1), other(1)


def patch_twice() -> None:
    with memo.install("colorsys:rgb_to_hsv"):
        memo.install("colorsys:rgb_to_hsv", name="other")


@recordable(name="fail")
def fail():
    error = ValueError("x")
    error.file = sys.stdout
    raise error


def raise_not_whole():
    with recording(MemoryStore(), mode="record"):
        fail()


def raise_uncertain_draws():
    serials = iter((1, 2))
    look = recordable(name="look")(lambda: next(serials))

    def outer():
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    with recording(MemoryStore(), mode="record"):
        recordable(name="outer")(outer)()
        look()


def raise_arguments_changed():
    with recording(MemoryStore(), mode="record"):
        recordable(list.pop, name="pop")([1, 2])


def raise_credential_ignored():
    login = recordable(name="login")(lambda password: True)
    with recording(MemoryStore(), mode="record-if-missing"):
        login("right")
        login("wrong")


def raise_unrecorded():
    with recording(MemoryStore(), mode="record"), suppress(ConnectionError):
        recordable(name="f")(lambda: ask_server(ConnectionError()))()


def raise_replaced():
    store, answers = MemoryStore(), iter([1, 2])
    warnings.simplefilter("error", errors.RecordingReplacedWarning)  # until the end of the test
    for _ in range(2):
        with recording(store, mode="record"):
            recordable(name="f")(lambda: next(answers))()


def ask_server(error):
    raise error


def raise_no_calls():
    with socket.create_server(("127.0.0.1", 0)) as server, recording(MemoryStore()):
        socket.create_connection(server.getsockname()).close()


def raise_unknown_function():
    with recording(MemoryStore(), modes={"asc": "live"}):
        pass


def warn_of_unknown_function():
    with Recorder(MemoryStore(), environ={"MEMO_MODES": "asc=live"}):
        pass


def raise_out_of_order():
    calls, store = Barrier(2), MemoryStore()

    @recordable(name="f")
    def f(x):
        if x == 2:
            calls.wait()
            time.sleep(0.05)
        else:
            calls.wait()

    with recording(store, mode="record"), ThreadPoolExecutor(2) as pool:
        list(pool.map(f, [1, 2]))
    with recording(store):
        f(2)


def raise_context_variable_set():
    with recording(MemoryStore(), mode="record"):
        recordable(name="f")(lambda: variable.set(1) and None)()


variable = contextvars.ContextVar("variable")


def raise_differ():
    store, answers = MemoryStore(), iter([{"a": 1}, {}])
    for mode in ("record", "verify"):
        with recording(store, mode=mode):
            recordable(name="f")(lambda: next(answers))()


def raise_not_repeatable():
    raise errors.CallNotRepeatable("app.f", "it is a method")


def raise_cost_limit():
    ask = recordable(name="f")(lambda model: {"usage": {"input_tokens": 9}})
    with recording(MemoryStore(), mode="record", max_cost=1, prices=lambda model, *tokens: 1.0):
        ask("a")
        ask("b")


RAISES = {
    "CostLimitReached": raise_cost_limit,
    "CallNotRepeatable": raise_not_repeatable,
    "ContextVariableSetWarning": raise_context_variable_set,
    "OrderNotKeptWarning": raise_out_of_order,
    "RecordingsDifferWarning": raise_differ,
    "TooManyLiveCalls": lambda: memo.Recorder(MemoryStore(), mode="live", max_live=0).recordable(lambda: 1)(),
    "NoReviews": lambda: recording("redis://localhost:1/0", mode="record", pending=True).__enter__(),
    "ContradictingModes": lambda: recording(MemoryStore(), modes={"a*b": "live", "*ab": "replay"}).__enter__(),
    "UnknownFunction": raise_unknown_function,
    "UnknownFunctionWarning": warn_of_unknown_function,
    "RecordingReplacedWarning": raise_replaced,
    "CallsNotRecordedWarning": raise_unrecorded,
    "UncertainDrawsWarning": raise_uncertain_draws,
    "NoCallsWarning": raise_no_calls,
    "CredentialIgnoredWarning": raise_credential_ignored,
    "RecordingsSpooledWarning": raise_spooled,
    "MissingExtra": raise_missing_extra,
    "NetworkBlocked": raise_blocked,
    "NotPatched": raise_not_patched,
    "AlreadyPatched": patch_twice,
    "KeyCollision": lambda: collide(memo.Recorder(MemoryStore(), mode="record-if-missing")),
    "KeyCollisionWarning": lambda: collide(None),
    "ScopeLost": lambda: lose_the_scope("replay"),
    "ScopeLostWarning": lambda: lose_the_scope("record"),
    "ScopeNotPortable": lambda: memo.Recorder("memory://").headers,
    "ScopeRefused": refuse_a_scope,
    "AlreadyStarted": start_twice,
    "CallNotAllowed": lambda: memo.Recorder(MemoryStore()).recordable(lambda: 1).refresh(),
    "TargetNotFound": lambda: memo.install("json:dumpz"),
    "MemoError": lambda: raise_store(RuntimeError("x")),
    "InvalidOption": lambda: recording("x", exhausted="maybe").__enter__(),
    "UnknownOption": lambda: recording("x", exausted="error").__enter__(),
    "InvalidDuration": lambda: recording("x", max_age="1x").__enter__(),
    "InvalidMode": raise_invalid_mode,
    "NoSourceVersion": lambda: recordable(version="source")(lambda: 1),
    "Refused": lambda: prune.plan_prune(MemoryStore(), prune.not_used_since(datetime(2020, 1, 1, tzinfo=UTC))),
    "UnkeyableArgument": lambda: replay_of(None, ask, print),
    "UnrecordableValue": lambda: memo.dumps([print]),
    "RecordingNotFound": raise_missing,
    "OutcomesExhausted": lambda: replay_of(None),
    "RecordingDamaged": lambda: raise_with(b"{"),
    "NotARecording": lambda: raise_with(b"{}"),
    "KeyMismatch": raise_mismatch,
    "NewerFormat": raise_newer,
    "UntrustedType": lambda: memo.loads(b'{"__type__": "os:system", "value": 1}'),
    "TypeNotImported": lambda: memo.loads(b'{"__type__": "nowhere:X", "value": 1}'),
    "ErrorNotWholeWarning": raise_not_whole,
    "TypeNotFound": lambda: memo.loads(orjson.dumps({"__type__": f"{__name__}:X", "value": 1})),
    "DataMismatch": lambda: memo.loads(b"{"),
    "StreamCutShort": raise_cut_short,
    "StoreError": lambda: raise_store(errors.StoreError("memory://", "is gone")),
    "StoreNotReadable": raise_not_readable,
    "StoreNotWritable": lambda: raise_store(StoreNotWritable("memory://", "is full")),
    "StoreLocked": raise_locked,
    "StoreFull": lambda: raise_store(StoreFull("memory://", "is full")),
    "EntryVanished": lambda: raise_store(EntryVanished("memory://")),
    "WatchedFieldChangedWarning": raise_watched,
    "ArgumentsChangedWarning": raise_arguments_changed,
    "RecordingExpiredWarning": raise_expired,
}


def test_every_error_is_raised_here():
    assert RAISES.keys() == set(errors.__all__) - {"Nearest"}


@pytest.mark.parametrize("name", RAISES)
def test_an_error_survives_pickle_and_copy_with_its_fields(name):
    cls = getattr(errors, name)
    with pytest.raises(cls) as raised:
        RAISES[name]()
    error = raised.value
    assert type(error) is cls
    error.add_note("by hand")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is cls
        assert str(again) == str(error) != ""
        assert vars(again) == vars(error)
        assert again.args == error.args


FIELDS = {
    InvalidOption: "option value allowed",
    InvalidMode: "option value allowed",
    errors.InvalidDuration: "option value allowed",
    errors.NoSourceVersion: "option value allowed function reason",
    UnkeyableArgument: "function path reason",
    UnrecordableValue: "function path reason",
    RecordingNotFound: "function key store arguments reason seen looked_at nearest differences elsewhere command",
    OutcomesExhausted: "function key store arguments outcomes reason location command",
    errors.MissingExtra: "feature extra",
    errors.RecordingsSpooledWarning: "store spool recordings reason",
    StreamCutShort: "function items",
    errors.NotPatched: "sdk method patch",
    WatchedFieldChangedWarning: "function fields location fingerprints target",
    errors.RecordingExpiredWarning: "function key location recorded_at age max_age command",
}


@pytest.mark.parametrize("cls", FIELDS)
def test_an_error_says_its_values_as_fields(cls):
    with pytest.raises(cls) as raised:
        RAISES[cls.__name__]()
    assert vars(raised.value).keys() >= set(FIELDS[cls].split())
    for name in ("function", "store", "path"):
        assert str(getattr(raised.value, name, "") or "") in str(raised.value)


def test_a_miss_says_how_to_record_and_counts():
    with recording(MemoryStore()) as rec, pytest.raises(RecordingNotFound) as raised:
        ask("why")
    text = str(raised.value)
    assert '{"question":"why"}' in text
    assert "MEMO_MODE=record-if-missing pytest " in text
    assert "memory://" in text
    assert len(raised.value.key) == 64
    assert rec.stats.missed == 1
    assert calls == []


@pytest.fixture(autouse=True)
def no_calls():
    calls.clear()
    yield
    calls.clear()
