"""Patches are in place once a target, counted, and undone exactly."""

import asyncio
import functools
import inspect
import random
import sys
import threading
from contextlib import ExitStack
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patched import SOURCE, is_plain, is_unchanged, names_in, put_wrapt, recorded, snapshot, use

import memo
from memo import Patch, recording
from memo.errors import AlreadyPatched
from memo.patches import _registry
from memo.patches._wrapper import Patched

# Undone exactly

PATHS = ["Base.ask", "Base.add", "Base.make", "Base.items", "Base.Inner.run", "Child.ask", "Child.add", "Child.make"]
PATHS += ["Child.items", "Other.ask", "Grand.make", "double", "adouble"]


@pytest.mark.parametrize("path", PATHS)
def test_undone_to_the_same_object(mod, path):
    before = snapshot(mod, mod.Base, mod.Base.Inner, mod.Child, mod.Other, mod.Grand)
    with memo.install(f"{mod.__name__}:{path}") as installation:
        assert installation.targets == (f"{mod.__name__}:{path}",)
        assert any(type(value) is Patched for owner, _ in before for value in vars(owner).values())
    assert installation.targets == ()
    assert is_unchanged(before)


@pytest.mark.parametrize("path", PATHS)
def test_recorded_and_replayed_as_what_it_is(mod, path):
    plain = asyncio.run(use(mod, path))
    kinds = [inspect.iscoroutinefunction, inspect.isasyncgenfunction]
    with memo.install(f"{mod.__name__}:{path}"):
        value = functools.reduce(getattr, path.split("."), mod)
        assert asyncio.run(use(mod, path)) == plain
        store = memo.stores.MemoryStore()
        with recording(store, mode="record") as rec:
            assert asyncio.run(use(mod, path)) == plain
        with recording(store) as again:
            assert asyncio.run(use(mod, path)) == plain
        assert (rec.stats.recorded, again.stats.replayed) == (1, 1)
        seen = [kind(value) for kind in kinds], str(inspect.signature(value)), value.__doc__
    value = functools.reduce(getattr, path.split("."), mod)
    assert seen == ([kind(value) for kind in kinds], str(inspect.signature(value)), value.__doc__)


def test_no_shadow_of_an_inherited_method(mod):
    installation = memo.install(f"{mod.__name__}:Child.ask")
    assert "ask" in vars(mod.Child)
    installation.uninstall()
    installation.uninstall()
    assert "ask" not in vars(mod.Child)


def test_one_object(mod):
    """A client that a module holds: its method alone is patched."""
    before = dict(vars(mod.client))
    with memo.install(f"{mod.__name__}:client.ask"), recording("memory://", mode="record") as rec:
        assert asyncio.run(mod.client.ask("a")) == ["base", "a"]
        asyncio.run(mod.Base().ask("a"))
    assert recorded(rec) == 1
    assert vars(mod.client) == before


def test_one_object_of_a_patched_class(mod):
    name = mod.__name__
    with (
        memo.install(f"{name}:Base.ask"),
        memo.install(f"{name}:client.ask"),
        recording("memory://", mode="record") as rec,
    ):
        assert asyncio.run(mod.client.ask("a")) == ["base", "a"]
    assert recorded(rec) == 1
    assert "ask" not in vars(mod.client)


def test_a_callable_object(mod):
    with memo.install(f"{mod.__name__}:called"), recording("memory://", mode="record") as rec:
        assert mod.called(1) == 2
    assert recorded(rec) == 1


# Counted

TREE = [
    "Base.ask",
    "Child.ask",
    "Other.ask",
    "Grand.ask",
    "Base.make",
    "Child.make",
    "Grand.make",
    "Base.add",
    "Grand.add",
]


class Tree:
    """The class tree of the property test: made once, restored by every example."""

    module = None

    @classmethod
    def get(cls):
        if cls.module is None:
            cls.module = type(sys)("registry_tree")
            exec(SOURCE, vars(cls.module))
            sys.modules["registry_tree"] = cls.module
            for each in (cls.module.Base, cls.module.Child, cls.module.Other, cls.module.Grand):
                each.__module__ = "registry_tree"
        return cls.module


async def results(mod):
    found = []
    for kind in (mod.Base, mod.Child, mod.Other, mod.Grand):
        found += [await kind().ask(1), kind.make(1), kind().make(2), kind.add(1), kind().add(1, 2)]
    return found


def patched_by(mod, kind, name, wanted):
    """Whether a call of that method comes to a patch: some class of the order, up to the one that defines it, has one."""
    for each in kind.__mro__:
        if f"{each.__name__}.{name}" in wanted:
            return True
        if name in vars(each) and not isinstance(vars(each)[name], Patched):
            return False
        if f"{each.__name__}.{name}" in DEFINED:
            return False
    return False


DEFINED = {"Base.ask", "Other.ask", "Base.make", "Base.add"}


@given(st.lists(st.one_of(st.sampled_from(TREE), st.integers(0, 20)), max_size=25), st.integers(0, 99))
def test_any_order_of_installing_and_removing(steps, seed):
    mod = Tree.get()
    before = snapshot(mod.Base, mod.Child, mod.Other, mod.Grand)
    plain = asyncio.run(results(mod))
    installed = []
    try:
        for step in steps:
            if isinstance(step, str):
                installed.append(memo.install(f"registry_tree:{step}"))
            elif installed:
                installed.pop(step % len(installed)).uninstall()
            wanted = {each.targets[0].partition(":")[2] for each in installed}
            assert asyncio.run(results(mod)) == plain
            for kind in (mod.Base, mod.Child, mod.Other, mod.Grand):
                for name, call in (
                    ("ask", lambda kind: asyncio.run(kind().ask(1))),
                    ("make", lambda kind: kind.make(1)),
                ):
                    with recording("memory://", mode="record") as rec:
                        call(kind)
                    assert recorded(rec) == patched_by(mod, kind, name, wanted), (kind, name, wanted)
    finally:
        random.Random(seed).shuffle(installed)
        for each in installed:
            each.uninstall()
    assert is_unchanged(before)
    assert not _registry._applied


@pytest.mark.parametrize("first", ["Base", "Child"])
@pytest.mark.parametrize("removed", ["Base", "Child"])
def test_parent_and_child(mod, first, removed):
    second = {"Base": "Child", "Child": "Base"}[first]
    before = snapshot(mod.Base, mod.Child)
    installed = {each: memo.install(f"{mod.__name__}:{each}.ask") for each in (first, second)}

    def times(kind):
        with recording("memory://", mode="record") as rec:
            assert asyncio.run(kind().ask("a")) == ["base", "a"]
        return recorded(rec)

    assert [times(mod.Base), times(mod.Child)] == [1, 1]
    installed.pop(removed).uninstall()
    assert [times(mod.Base), times(mod.Child)] == ([0, 1] if removed == "Base" else [1, 1])
    installed.popitem()[1].uninstall()
    assert [times(mod.Base), times(mod.Child)] == [0, 0]
    assert is_unchanged(before)


def test_a_subclass_of_several_parents_calls_what_it_did(mod):
    """Child inherits Base.ask; in Grand(Child, Other) it is Other's that comes next."""
    assert asyncio.run(mod.Grand().ask("a")) == ["other", "a"]
    with memo.install(f"{mod.__name__}:Child.ask"):
        assert asyncio.run(mod.Grand().ask("a")) == ["other", "a"]
        assert asyncio.run(mod.Child().ask("a")) == ["base", "a"]
        with recording("memory://", mode="record") as rec:
            assert asyncio.run(mod.Grand().ask("a")) == ["other", "a"]
        assert recorded(rec) == 1


def test_a_patched_class_among_the_parents_of_a_patched_class(mod):
    """Child's patch is no implementation of its own: Grand's next is Other's."""
    for targets in (["Child", "Grand"], ["Grand", "Child"], ["Child", "Grand", "Other"]):
        with ExitStack() as stack:
            for each in targets:
                stack.enter_context(memo.install(f"{mod.__name__}:{each}.ask"))
            with recording("memory://", mode="record") as rec:
                assert asyncio.run(mod.Grand().ask("a")) == ["other", "a"]
            assert recorded(rec) == 1


def test_a_parent_replaced_later_is_what_the_child_calls(mod, monkeypatch):
    async def double(self, question):
        return ["double", question]

    with memo.install(f"{mod.__name__}:Child.ask"):
        monkeypatch.setattr(mod.Base, "ask", double)
        assert asyncio.run(mod.Child().ask("a")) == ["double", "a"]


def test_two_installations_share_one_wrapper(mod):
    target = f"{mod.__name__}:double"
    one = memo.install(target, ignore="x")
    wrapper = mod.double
    two = memo.install(Patch(target, {"ignore": ("x",)}))
    assert mod.double is wrapper
    one.uninstall()
    assert mod.double is wrapper
    two.uninstall()
    assert type(mod.double) is type(test_a_callable_object)


def test_other_options_for_one_target(mod):
    target = f"{mod.__name__}:double"
    with memo.install(target, name="a"):
        with pytest.raises(AlreadyPatched, match=r"double.*name.*b.*patched already.*name.*a"):
            memo.install(f"{mod.__name__}:adouble", target, name="b")
        assert "_self_wrapper" not in dir(mod.adouble), "what had been installed of it was taken back"
        assert is_plain(mod.adouble)
    with memo.install(target, name="b"), recording(store := memo.stores.MemoryStore(), mode="record"):
        mod.double(1)
    assert names_in(store) == ["b"]


def test_other_ways_of_naming_calls_for_one_target(mod):
    target = f"{mod.__name__}:double"
    describe = lambda client, args, kwargs: ("a", {"x": args})  # noqa: E731
    with (
        memo.install(Patch(target, {"ignore": ["x"]}, describe=describe)),
        memo.install(Patch(target, {"ignore": ("x",)}, describe=describe)),
        pytest.raises(AlreadyPatched, match=r"double.*patched already.*describe"),
    ):
        memo.install(target, ignore="x")


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("removed", [0, 1])
@pytest.mark.parametrize("foreign", [False, True])
def test_one_function_under_two_names(mod, first, removed, foreign):
    """A package that re-exports a class: its method is one, whichever way a target reaches it."""
    mod.Alias = mod.Base
    before = snapshot(mod, mod.Base)
    targets = [f"{mod.__name__}:Base.ask", f"{mod.__name__}:Alias.ask"]

    def times():
        with recording("memory://", mode="record") as rec:
            assert asyncio.run(mod.Base().ask("a")) == ["base", "a"]
        return recorded(rec)

    installed = [None, None]
    installed[first] = memo.install(targets[first])
    take = put_wrapt(mod.Base, "ask") if foreign else lambda: None
    installed[1 - first] = memo.install(targets[1 - first])
    assert times() == 1
    with pytest.raises(AlreadyPatched, match="patched already"):
        memo.install(targets[1 - first], name="other")
    installed[removed].uninstall()
    assert times() == 1
    take()
    installed[1 - removed].uninstall()
    assert times() == 0
    assert is_unchanged(before)
    assert not _registry._applied


@pytest.mark.parametrize("removed", [0, 1])
def test_one_function_in_two_modules(mod, removed):
    """Taken over by `from … import` after it was patched."""
    other = type(sys)(f"{mod.__name__}_other")
    sys.modules[other.__name__] = other
    installed = [memo.install(f"{mod.__name__}:double")]
    other.double = taken = mod.double
    installed.append(memo.install(f"{other.__name__}:double"))

    def times(module):
        with recording("memory://", mode="record") as rec:
            assert module.double(1) == 2
        return recorded(rec)

    assert (times(mod), times(other)) == (1, 1)
    installed[removed].uninstall()
    assert (times(mod), times(other)) == ((0, 1) if removed == 0 else (1, 1))
    installed[1 - removed].uninstall()
    assert (times(mod), times(other)) == (0, 0)
    assert other.double is taken
    del sys.modules[other.__name__]


def test_removed_when_the_block_raises(mod):
    before = snapshot(mod)
    with pytest.raises(ZeroDivisionError), memo.install(f"{mod.__name__}:double"):
        _ = 1 / 0
    assert is_unchanged(before)


def test_many_threads(mod):
    before = snapshot(mod, mod.Base, mod.Child)
    targets = [f"{mod.__name__}:{path}" for path in ("Base.ask", "Child.ask", "Base.make", "double")]
    start = threading.Barrier(8)
    errors = []

    def work(shift):
        start.wait()
        try:
            for n in range(100):
                with ExitStack() as stack:
                    for i in range(len(targets)):
                        stack.enter_context(memo.install(targets[(i + shift + n) % len(targets)]))
                    assert mod.double(2) == 4
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert errors == []
    assert is_unchanged(before)


def test_removed_by_several_threads_is_removed_once(mod):
    keep = memo.install(f"{mod.__name__}:double")
    for _ in range(50):
        one = memo.install(f"{mod.__name__}:double")
        threads = [threading.Thread(target=one.uninstall) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert type(mod.double) is Patched
    keep.uninstall()


def test_the_old_name_of_uninstall_warns_and_works(mod):
    before = snapshot(mod, mod.Base)
    installation = memo.install(f"{mod.__name__}:Base.ask")
    with pytest.warns(DeprecationWarning, match=r"is now Installation\.uninstall\(\)"):
        installation.remove()
    assert is_unchanged(before)


def test_a_method_taken_from_a_patched_class_is_the_same_each_time(mod):
    with memo.install(f"{mod.__name__}:Base.ask", f"{mod.__name__}:Base.add", f"{mod.__name__}:Child.ask"):
        assert mod.Base.ask is mod.Base.ask
        assert mod.Base.add is mod.Base.add
        assert mod.Child.ask is mod.Grand.ask
        with recording(memo.stores.MemoryStore(), mode="record") as rec:
            assert asyncio.run(mod.Base.ask(mod.Base(), "a")) == ["base", "a"]
            assert asyncio.run(mod.Base.ask(mod.Child(), "b")) == ["base", "b"]
            assert mod.Base.add(1) == 2
        assert rec.stats.recorded == 3


@pytest.mark.parametrize("options", [{}, {"autospec": True}, {"spec": True}], ids=str)
@pytest.mark.parametrize("owner", ["Base", "Child"])
@pytest.mark.parametrize("name", ["ask", "add", "items"])
def test_a_mock_over_a_patched_method_goes_without_a_trace(mod, owner, name, options):
    owner = getattr(mod, owner)
    before = snapshot(mod.Base, mod.Child)
    with memo.install(f"{mod.__name__}:Base.{name}"):
        placed = snapshot(mod.Base, mod.Child)
        with recording("memory://", mode="record") as rec, mock.patch.object(owner, name, **options) as double:
            double.return_value = 7
            called = getattr(owner(), name)(1)
            if inspect.iscoroutine(called):
                called = asyncio.run(called)
            assert called == 7
            assert double.called
        assert rec.stats.recorded == 0
        assert is_unchanged(placed)
    assert is_unchanged(before)
