"""Patches below, above and beside the wrappers of others."""

import asyncio
import functools
import importlib
import inspect

import pytest
from patched import is_plain, is_unchanged, names, names_in, put_wrapt, recorded, snapshot, use

import memo
from memo import Patch, recording
from memo.errors import AlreadyPatched

# Foreign wrappers


def put_wraps(owner, name):
    before = vars(owner)[name]
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def wrapper(*args, **kwargs):
        return inner(*args, **kwargs)

    setattr(owner, name, wrapper)
    return lambda: setattr(owner, name, before)


def put_plain(owner, name):
    before = vars(owner)[name]
    inner = getattr(owner, name)
    setattr(owner, name, lambda *args, **kwargs: inner(*args, **kwargs))
    return lambda: setattr(owner, name, before)


FOREIGN = [put_wrapt, put_wraps, put_plain]


@pytest.mark.parametrize("put", FOREIGN)
@pytest.mark.parametrize("path", ["double", "Base.ask", "Child.ask"])
def test_a_foreign_wrapper_on_top(mod, put, path, caplog):
    kind, _, name = path.rpartition(".")
    owner = getattr(mod, kind) if kind else mod
    before = snapshot(mod, mod.Base, mod.Child)
    target = f"{mod.__name__}:{path}"

    def times():
        with recording("memory://", mode="record") as rec:
            asyncio.run(use(mod, path))
        return recorded(rec)

    installation = memo.install(target)
    take = put(owner, name)
    foreign = vars(owner)[name]
    assert times() == 1
    installation.uninstall()
    assert caplog.messages == [f"{target}: it was wrapped or replaced since; memo's wrapper does nothing any more"]
    assert vars(owner)[name] is foreign
    assert times() == 0

    again = memo.install(target, name="other")  # switched on, not wrapped twice, with the options of now
    assert vars(owner)[name] is foreign
    with recording(store := memo.stores.MemoryStore(), mode="record") as rec:
        asyncio.run(use(mod, path))
    assert (recorded(rec), names_in(store)) == (1, ["other"])
    again.uninstall()
    assert times() == 0

    take()  # memo's, inert, is on top again: whoever installs next cleans it up
    assert times() == 0
    with memo.install(target):
        assert times() == 1
    assert is_unchanged(before)


def test_a_foreign_wrapper_that_is_gone_is_cleaned_up_by_any_installation(mod):
    before = snapshot(mod)
    installation = memo.install(f"{mod.__name__}:double")
    take = put_wrapt(mod, "double")
    installation.uninstall()
    take()
    with memo.install(f"{mod.__name__}:adouble"):
        assert is_plain(mod.double)
    assert is_unchanged(before)


class Opaque:
    """A wrapper that does not let itself be seen through."""

    __slots__ = ("_hidden",)

    def __init__(self, hidden):
        self._hidden = hidden

    @property
    def __signature__(self):
        return inspect.signature(self._hidden)

    def __get__(self, instance, owner):
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args, **kwargs):
        return self._hidden(*args, **kwargs)


@pytest.mark.parametrize("path", ["double", "Base.ask", "Child.ask"])
def test_an_opaque_wrapper_on_top(mod, path):
    """What lies under it stays switched off, and is cleaned up by an installation after it is gone."""
    kind, _, name = path.rpartition(".")
    owner = getattr(mod, kind) if kind else mod
    before = snapshot(mod, mod.Base, mod.Child)
    target = f"{mod.__name__}:{path}"

    def times():
        with recording("memory://", mode="record") as rec:
            asyncio.run(use(mod, path))
        return recorded(rec)

    first = memo.install(target)
    below = vars(owner)[name]
    setattr(owner, name, Opaque(getattr(owner, name)))
    first.uninstall()
    second = memo.install(target)
    assert times() == 1
    second.uninstall()
    assert times() == 0
    setattr(owner, name, below)
    assert times() == 0
    with memo.install(target):
        assert times() == 1
    assert is_unchanged(before)


def test_a_foreign_wrapper_below(mod):
    take = put_wrapt(mod, "double")
    foreign = mod.double
    with memo.install(f"{mod.__name__}:double"), recording("memory://", mode="record") as rec:
        assert mod.double(2) == 4
    assert recorded(rec) == 1
    assert mod.double is foreign
    take()


def test_a_double_put_in_its_place_stays(mod, monkeypatch):
    with memo.install(f"{mod.__name__}:double"):
        with monkeypatch.context() as patch:
            patch.setattr(mod, "double", lambda x: "fake")
            with memo.install(f"{mod.__name__}:double"):
                assert mod.double(1) == "fake"
        with recording("memory://", mode="record") as rec:
            assert mod.double(1) == 2
        assert recorded(rec) == 1


# Already recordable


def test_what_is_recordable_already_stays_as_it_is(tmp_path, monkeypatch):
    name = next(names)
    (tmp_path / f"{name}.py").write_text("""
import memo
class Tool:
    @memo.recordable(name="own", ignore=("trace",))
    def run(self, x, trace=None):
        return x
    @classmethod
    @memo.recordable(name="own.make")
    def make(cls, x):
        return x
class Sub(Tool):
    pass
""")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(name)
    own = vars(module.Tool)["run"]
    with memo.install(f"{name}:Tool.run", f"{name}:Tool.make", f"{name}:Sub.run"):
        assert vars(module.Tool)["run"] is own
        with recording(store := memo.stores.MemoryStore(), mode="record") as rec:
            assert (module.Tool().run(1, trace=2), module.Tool.make(1), module.Sub().run(2)) == (1, 1, 2)
        assert rec.stats.recorded == 3
        assert {each.partition("/")[0] for each in store.scan("")} == {"own", "own.make"}
    for target in (f"{name}:Tool.run", f"{name}:Sub.run", f"{name}:Tool.make"):
        with pytest.raises(AlreadyPatched, match="is @recordable in the code"):
            memo.install(target, name="other")
    assert "run" not in vars(module.Sub)


# Wrong arguments


@pytest.mark.parametrize("mode", ["live", "record", "replay", "record-if-missing"])
@pytest.mark.parametrize("path", ["Base.ask", "Child.ask", "Base.make", "Base.add", "double", "adouble"])
def test_wrong_arguments_raise_the_functions_own_error(mod, mode, path):
    *kind, name = path.split(".")
    owner = getattr(mod, kind[0])() if kind else mod

    async def call():
        result = getattr(owner, name)(1, 2, 3, nothing=4)
        return await result if inspect.isawaitable(result) else result

    def wrong():
        with pytest.raises(TypeError) as caught:
            asyncio.run(call())
        return type(caught.value), str(caught.value)

    own = wrong()
    with memo.install(f"{mod.__name__}:{path}"), recording("memory://", mode=mode):
        assert wrong() == own
    assert own[0] is TypeError


@pytest.mark.parametrize("mode", ["record", "replay"])
def test_wrong_arguments_that_describe_cannot_read(mod, mode):
    def describe(client, args, kwargs):
        question = args[0] if len(args) == 1 else len(3)
        return "ask", {"question": question + ""}

    own = []
    with memo.install(Patch(f"{mod.__name__}:Base.ask", describe=describe)) as installation:
        for _ in range(2):
            with recording("memory://", mode=mode), pytest.raises(TypeError) as caught:
                asyncio.run(call_without_question(mod.Base()))
            own.append(str(caught.value))
            installation.uninstall()
        with memo.install(Patch(f"{mod.__name__}:Base.ask", describe=describe)), recording("memory://", mode=mode):
            with pytest.raises(TypeError, match="unsupported operand"):  # the call fits: it is describe's own
                asyncio.run(mod.Base().ask(3))
    assert own[0] == own[1]


async def call_without_question(client):
    return await client.ask(1, 2, 3)
