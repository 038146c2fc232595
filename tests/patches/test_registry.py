"""The registry: patches in place once a target, counted, undone exactly, whatever lies around them."""

import asyncio
import functools
import importlib
import inspect
import logging
import pickle
import random
import sys
import threading
from contextlib import ExitStack
from itertools import count
from types import FunctionType

import pytest
import wrapt
from hypothesis import given
from hypothesis import strategies as st

import memo
from memo import Patch, recording
from memo.errors import InvalidOption, MemoError, TargetNotFound
from memo.patches import _registry

SOURCE = '''
import asyncio

class Base:
    class Inner:
        def run(self, x):
            return ["inner", x]

    def __init__(self, url="http://a"):
        self.url = url

    async def ask(self, question, *, trace=None):
        """Ask."""
        return ["base", question]

    @staticmethod
    def add(a, b=1):
        return a + b

    @classmethod
    def make(cls, x):
        return [cls.__name__, x]

    async def items(self, n):
        for i in range(n):
            yield i

class Child(Base):
    pass

class Other(Base):
    async def ask(self, question, *, trace=None):
        return ["other", question]

class Grand(Child, Other):
    pass

def double(x):
    return x * 2

async def adouble(x):
    return x * 2

class Called:
    def __call__(self, x):
        return x + 1

client = Base("http://client")
called = Called()
number = 3
'''

names = (f"registry_case_{n}" for n in count())


@pytest.fixture
def mod(tmp_path, monkeypatch):
    """A module of its own, imported."""
    name = next(names)
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(name)
    yield module
    assert not [target for target in _registry._applied if target.startswith(f"{name}:")], "left behind"
    sys.modules.pop(name, None)


@pytest.fixture
def unimported(tmp_path, monkeypatch):
    """The names of a module and a package that are not imported yet."""
    name = next(names)
    package = tmp_path / f"{name}_pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "tools.py").write_text(SOURCE)
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for each in list(sys.modules):
        if each.startswith(name):
            del sys.modules[each]


def snapshot(*owners):
    return [(owner, dict(vars(owner))) for owner in owners]


def is_plain(function):
    """Whether it is a function, and no wrapper that says that it is one."""
    return type(function) is FunctionType


def is_unchanged(before):
    for owner, names in before:
        now = dict(vars(owner))
        assert list(now) == list(names), owner
        assert [name for name in names if now[name] is not names[name]] == []
    return True


def recorded(rec):
    return rec.stats.recorded


def names_in(store):
    return sorted({each.partition("/")[0].rpartition(".")[2] for each in store.scan("")})


# Undone exactly

PATHS = ["Base.ask", "Base.add", "Base.make", "Base.items", "Base.Inner.run", "Child.ask", "Child.add", "Child.make"]
PATHS += ["Child.items", "Other.ask", "Grand.make", "double", "adouble"]


@pytest.mark.parametrize("path", PATHS)
def test_undone_to_the_same_object(mod, path):
    before = snapshot(mod, mod.Base, mod.Base.Inner, mod.Child, mod.Other, mod.Grand)
    with memo.install(f"{mod.__name__}:{path}") as installation:
        assert installation.targets == (f"{mod.__name__}:{path}",)
        assert any(type(value) is _registry.Patched for owner, _ in before for value in vars(owner).values())
    assert installation.targets == ()
    assert is_unchanged(before)


async def use(mod, path):
    owner = mod
    *parents, name = path.split(".")
    for part in parents:
        owner = getattr(owner, part)
    function = getattr(owner() if parents else owner, name)
    result = function(3)
    if inspect.isasyncgen(result):
        return [each async for each in result]
    return await result if inspect.isawaitable(result) else result


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
    installation.remove()
    installation.remove()
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
        if name in vars(each) and not isinstance(vars(each)[name], _registry.Patched):
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
                installed.pop(step % len(installed)).remove()
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
            each.remove()
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
    installed.pop(removed).remove()
    assert [times(mod.Base), times(mod.Child)] == ([0, 1] if removed == "Base" else [1, 1])
    installed.popitem()[1].remove()
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
    one.remove()
    assert mod.double is wrapper
    two.remove()
    assert type(mod.double) is type(test_a_callable_object)


def test_other_options_for_one_target(mod):
    target = f"{mod.__name__}:double"
    with memo.install(target, name="a"):
        with pytest.raises(InvalidOption, match=r"name.*b.*double.*name.*a.*patched already"):
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
        pytest.raises(InvalidOption, match=r"double.*describe.*patched already"),
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
    with pytest.raises(InvalidOption, match="patched already"):
        memo.install(targets[1 - first], name="other")
    installed[removed].remove()
    assert times() == 1
    take()
    installed[1 - removed].remove()
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
    installed[removed].remove()
    assert (times(mod), times(other)) == ((0, 1) if removed == 0 else (1, 1))
    installed[1 - removed].remove()
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
        threads = [threading.Thread(target=one.remove) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert type(mod.double) is _registry.Patched
    keep.remove()


# Foreign wrappers


def put_wrapt(owner, name):
    def wrapper(wrapped, instance, args, kwargs):
        return wrapped(*args, **kwargs)

    before = vars(owner)[name]
    setattr(owner, name, wrapt.FunctionWrapper(before, wrapper))
    return lambda: setattr(owner, name, before)


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
    installation.remove()
    assert caplog.messages == [f"{target}: it was wrapped or replaced since; memo's wrapper does nothing any more"]
    assert vars(owner)[name] is foreign
    assert times() == 0

    again = memo.install(target, name="other")  # switched on, not wrapped twice, with the options of now
    assert vars(owner)[name] is foreign
    with recording(store := memo.stores.MemoryStore(), mode="record") as rec:
        asyncio.run(use(mod, path))
    assert (recorded(rec), names_in(store)) == (1, ["other"])
    again.remove()
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
    installation.remove()
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
    first.remove()
    second = memo.install(target)
    assert times() == 1
    second.remove()
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
        with pytest.raises(InvalidOption, match="none: it is @recordable already"):
            memo.install(target, name="other")
    assert "run" not in vars(module.Sub)


# When the module is imported


@pytest.mark.parametrize("module", ["{}", "{}_pkg.tools"])
def test_patched_when_it_is_imported(unimported, module):
    name = module.format(unimported)
    with memo.install(f"{name}:Child.ask", f"{name}:double") as installation:
        assert name not in sys.modules
        mod = importlib.import_module(name)
        with recording("memory://", mode="record") as rec:
            assert mod.double(1) == 2
            asyncio.run(mod.Child().ask("a"))
        assert recorded(rec) == 2
        assert installation.targets == (f"{name}:Child.ask", f"{name}:double")
    assert is_plain(mod.double)
    assert "ask" not in vars(mod.Child)


def test_removed_before_it_is_imported(unimported):
    memo.install(f"{unimported}:double").remove()
    with memo.install(f"{unimported}:adouble"):
        mod = importlib.import_module(unimported)
        assert is_plain(mod.double)


def test_imported_by_many_threads(unimported):
    start = threading.Barrier(6)
    seen = []

    def work():
        start.wait()
        with memo.install(f"{unimported}:double"):
            seen.append(importlib.import_module(unimported).double(1))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert seen == [2] * 6
    assert is_plain(sys.modules[unimported].double)


def test_installing_waits_for_another_threads_import(tmp_path, monkeypatch):
    name = next(names)
    (tmp_path / f"{name}.py").write_text(f"import sys, time\nsys._{name}.set()\ntime.sleep(0.3)\n{SOURCE}")
    monkeypatch.syspath_prepend(tmp_path)
    started = threading.Event()
    monkeypatch.setattr(sys, f"_{name}", started, raising=False)
    thread = threading.Thread(target=importlib.import_module, args=(name,))
    thread.start()
    assert started.wait(5)
    with memo.install(f"{name}:double"), recording("memory://", mode="record") as rec:
        assert sys.modules[name].double(1) == 2
    thread.join()
    assert recorded(rec) == 1


def test_installing_from_inside_of_the_module_itself(tmp_path, monkeypatch):
    name = next(names)
    (tmp_path / f"{name}.py").write_text(f"import memo\nmemo.install('{name}:double')\n{SOURCE}")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TargetNotFound, match=f"{name} has no double yet, since it is still being run"):
        importlib.import_module(name)


def test_a_hook_never_raises_into_an_import(unimported, caplog):
    target = f"{unimported}:Base.aks"
    with memo.install(target, f"{unimported}:double"):
        mod = importlib.import_module(unimported)
        assert type(mod.double) is _registry.Patched
    [entry] = caplog.records
    assert entry.levelno == logging.ERROR
    assert entry.message == f"{target} can not be patched: Base has no aks. Did you mean {unimported}:Base.ask?"


def test_a_hook_says_which_option_is_wrong(unimported, caplog):
    with memo.install(f"{unimported}:double", ignore="y"):
        assert importlib.import_module(unimported).double(1) == 2
    assert "ignore='y' is not known to memo; allowed: x" in caplog.text


def test_a_module_that_fails_to_import_is_patched_later(tmp_path, monkeypatch):
    name = next(names)
    path = tmp_path / f"{name}.py"
    path.write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with memo.install(f"{name}:double"):
        with pytest.raises(ZeroDivisionError):
            importlib.import_module(name)
        path.write_text(SOURCE)
        importlib.invalidate_caches()
        assert type(importlib.import_module(name).double) is _registry.Patched


def test_a_reloaded_module_is_patched_by_the_next_installation(mod):
    target = f"{mod.__name__}:double"
    ask = f"{mod.__name__}:Base.ask"
    with memo.install(target, ask):
        old = mod.Base
        importlib.reload(mod)
        assert is_plain(mod.double)
        with memo.install(target, ask), recording("memory://", mode="record") as rec:
            mod.double(1)
            asyncio.run(mod.Base().ask(1))
        assert recorded(rec) == 2
        assert inspect.iscoroutinefunction(vars(old)["ask"])
        assert type(vars(old)["ask"]) is not _registry.Patched
    assert is_plain(mod.double)
    assert is_plain(vars(mod.Base)["ask"])


def test_a_module_imported_anew_is_patched_by_the_next_installation(unimported):
    target = f"{unimported}:double"
    with memo.install(target):
        importlib.import_module(unimported)
        del sys.modules[unimported]
        with memo.install(target):
            assert type(importlib.import_module(unimported).double) is _registry.Patched
    assert is_plain(sys.modules[unimported].double)


# What is not there


@pytest.mark.parametrize(
    ("target", "reason", "nearest"),
    [
        ("{}:Bsae.ask", "{} has no Bsae", "{}:Base"),
        ("{}:Base.aks", "Base has no aks", "{}:Base.ask"),
        ("{}:Base.Inner.rnu", "Base.Inner has no rnu", "{}:Base.Inner.run"),
        ("{}:Base.Iner.run", "Base has no Iner", "{}:Base.Inner"),
        ("{}:duoble", "{} has no duoble", "{}:double"),
        ("{}:Base", "it is a class; name one of its methods", "{}:Base.ask"),
        ("{}:number", "it is no function, but of type int", None),
        ("{}:client", "it is no function, but of type Base", None),
        ("{}:Base.mro", "Base gets mro from its metaclass", None),
        ("{}x.y:f", "there is no package {}x", "{}"),
        ("{}.sub:f", "there is no module {}.sub", None),
        ("builtins:str.upper", "str is built in, and can not be changed", None),
        ("asyncoi:run", "there is no package asyncoi", "asyncio"),
        ("memo.eror:MemoError", "there is no module memo.eror", "memo.errors"),
        ("__main__:nothing", "__main__ has no nothing yet, since it is still being run", None),
    ],
)
def test_not_there(mod, target, reason, nearest):
    name = mod.__name__
    before = snapshot(mod, mod.Base)
    with pytest.raises(TargetNotFound) as caught:
        memo.install(f"{name}:double", target.format(name))
    error = caught.value
    assert isinstance(error, MemoError)
    assert isinstance(error, AttributeError)
    assert error.target == target.format(name)
    assert error.reason == reason.format(name)
    if nearest is not None:
        assert nearest.format(name) in error.nearest
        assert f"Did you mean {error.nearest[0]}" in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert is_unchanged(before)


def test_a_module_inside_a_package_that_is_not_imported(unimported):
    with pytest.raises(TargetNotFound) as caught:
        memo.install(f"{unimported}_pkg.tolos:double")
    assert caught.value.nearest == (f"{unimported}_pkg.tools",)
    assert f"{unimported}_pkg" not in sys.modules


@pytest.mark.parametrize(
    "target",
    ["pkg.mod", "pkg.mod:", ":f", "pkg:a b", "pkg:f()", "pkg..mod:f", "pkg:Class.", "a:b:c", "", " ", "pkg/mod:f"],
)
def test_a_target_without_a_method(target):
    with pytest.raises(InvalidOption) as caught:
        memo.install(target)
    assert any("package.module:Class.method" in each for each in caught.value.allowed)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"nmae": "x"}, "nmae"),
        ({"ignore": "y"}, "ignore='y'"),
        ({"errors": "some"}, "errors='some'"),
        ({"ignore": "x["}, "x["),
    ],
)
def test_wrong_options(mod, options, says):
    before = snapshot(mod)
    with pytest.raises(InvalidOption) as caught:
        memo.install(f"{mod.__name__}:double", **options)
    assert says in str(caught.value)
    assert is_unchanged(before)


def test_wrong_options_for_what_is_not_imported_yet(unimported):
    with pytest.raises(InvalidOption, match="nmae"):
        memo.install(f"{unimported}:double", nmae="x")


def test_an_unknown_preset():
    with pytest.raises(InvalidOption, match=r"preset='opneai'.*ollama.*openai.*did you mean 'openai'"):
        memo.install("opneai")


# Presets, as a package of its own would be one


def preset(monkeypatch, requires, *patches):
    module = type(sys)("memo.patches.presets.fakesdk")
    module.REQUIRES, module.PATCHES = requires, patches
    monkeypatch.setitem(sys.modules, "memo.patches.presets.fakesdk", module)
    monkeypatch.setattr(memo.patches, "preset_names", lambda: ("fakesdk",))
    monkeypatch.setattr(memo.patches, "_mentioned", set())


def test_a_preset_of_an_sdk_that_is_not_installed(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    preset(monkeypatch, "fakesdk>=2.0", Patch("fakesdk.client:Client.ask", offered=True))
    for _ in range(2):
        with memo.install("fakesdk") as installation:
            assert installation.targets == ()
    assert [(each.levelno, each.message) for each in caplog.records] == [
        (logging.INFO, "fakesdk is not installed; its preset needs fakesdk>=2.0")
    ]


def test_a_preset_of_an_sdk_that_is_too_old(mod, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    offered = [Patch(f"{mod.__name__}:{path}", offered=True) for path in ("Base.ask", "Base.request")]
    preset(monkeypatch, "pytest>=999.1", *offered)
    for _ in range(2):
        with memo.install("fakesdk") as installation:
            assert installation.targets == (f"{mod.__name__}:Base.ask",)
    mentioned, missing = caplog.records
    assert (mentioned.levelno, missing.levelno) == (logging.WARNING, logging.WARNING)
    assert "its preset needs pytest>=999.1" in mentioned.message
    assert "Base has no request" in missing.message
    assert "it needs pytest>=999.1" in missing.message


def test_options_are_added_to_a_presets_own(mod, monkeypatch):
    target = f"{mod.__name__}:Base.ask"
    preset(monkeypatch, "pytest>=1", Patch(target, {"name": "fake", "ignore": ("trace",)}, offered=True))
    with (
        memo.install("fakesdk", ignore=["question"]),
        recording(store := memo.stores.MemoryStore(), mode="record") as rec,
    ):
        asyncio.run(mod.Base().ask("a", trace=1))
        asyncio.run(mod.Base().ask("b", trace=2))
    assert len(list(store.scan("fake/"))) == 1
    assert rec.stats.recorded
    with pytest.raises(InvalidOption, match="nmae"):
        memo.install("fakesdk", nmae="x")


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
def test_wrong_arguments_that_describe_can_not_read(mod, mode):
    def describe(client, args, kwargs):
        question = args[0] if len(args) == 1 else len(3)
        return "ask", {"question": question + ""}

    own = []
    with memo.install(Patch(f"{mod.__name__}:Base.ask", describe=describe)) as installation:
        for _ in range(2):
            with recording("memory://", mode=mode), pytest.raises(TypeError) as caught:
                asyncio.run(call_without_question(mod.Base()))
            own.append(str(caught.value))
            installation.remove()
        with memo.install(Patch(f"{mod.__name__}:Base.ask", describe=describe)), recording("memory://", mode=mode):
            with pytest.raises(TypeError, match="unsupported operand"):  # the call fits: it is describe's own
                asyncio.run(mod.Base().ask(3))
    assert own[0] == own[1]


async def call_without_question(client):
    return await client.ask(1, 2, 3)
