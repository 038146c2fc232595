"""Targets: of modules that are not imported yet, and targets that are not there."""

import asyncio
import importlib
import inspect
import logging
import pickle
import sys
import threading

import pytest
from patched import SOURCE, is_plain, is_unchanged, names, recorded, snapshot

import memo
from memo import recording
from memo.errors import InvalidOption, MemoError, TargetNotFound
from memo.patches._wrapper import Patched

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
    memo.install(f"{unimported}:double").uninstall()
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
        assert type(mod.double) is Patched
    [entry] = caplog.records
    assert entry.levelno == logging.ERROR
    assert entry.message == f"{target} cannot be patched: Base has no aks. Did you mean {unimported}:Base.ask?"


def test_a_hook_says_which_option_is_wrong(unimported, caplog):
    with memo.install(f"{unimported}:double", ignore="y"):
        assert importlib.import_module(unimported).double(1) == 2
    assert "ignore='y' is invalid; allowed: x" in caplog.text


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
        assert type(importlib.import_module(name).double) is Patched


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
        assert type(vars(old)["ask"]) is not Patched
    assert is_plain(mod.double)
    assert is_plain(vars(mod.Base)["ask"])


def test_a_module_imported_anew_is_patched_by_the_next_installation(unimported):
    target = f"{unimported}:double"
    with memo.install(target):
        importlib.import_module(unimported)
        del sys.modules[unimported]
        with memo.install(target):
            assert type(importlib.import_module(unimported).double) is Patched
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
        ("{}:number", "it is not a function, but of type int", None),
        ("{}:client", "it is not a function, but of type Base", None),
        ("{}:Base.mro", "Base gets mro from its metaclass", None),
        ("{}x.y:f", "there is no package {}x", "{}"),
        ("{}.sub:f", "there is no module {}.sub", None),
        ("builtins:str.upper", "str is built in, and cannot be changed", None),
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
    with pytest.raises(InvalidOption, match=r"preset='opneai'.*did you mean 'openai'.*ollama.*openai"):
        memo.install("opneai")


def test_a_module_that_has_moved_further_down_is_named(monkeypatch, tmp_path):
    moved = tmp_path / "moved_sdk" / "client"
    (moved / "beta").mkdir(parents=True)
    for folder in (moved.parent, moved, moved / "beta"):
        (folder / "__init__.py").write_text("")
    (moved / "chat.py").write_text("class Chat: ...")
    (moved / "beta" / "chat.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TargetNotFound) as raised:
        memo.install("moved_sdk.chat:Chat.complete")
    assert raised.value.nearest[:2] == ("moved_sdk.client.chat", "moved_sdk.client.beta.chat")
    assert "Did you mean moved_sdk.client.chat" in str(raised.value)


def test_a_preset_lists_no_folder_of_packages_for_what_is_not_installed():
    listed, listening = [], [True]
    sys.addaudithook(lambda event, given: listening and event == "os.listdir" and listed.append(given[0]))
    with memo.install("http"):  # the import system lists each folder once
        pass
    listed.clear()
    with memo.install("http"):  # nobody has the packages of all its targets
        pass
    listening.clear()
    assert [folder for folder in listed if folder in sys.path] == []
