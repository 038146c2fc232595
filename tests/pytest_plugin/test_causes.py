"""One edit under many tests: its cause is shown once, with the command that accepts it everywhere."""

import re

import pytest

NINE = """
SYSTEM = "Be kind."

@recordable
def chat(messages, model="m"):
    return live(messages[-1])

@pytest.mark.memo
@pytest.mark.parametrize("number", range({}))
def test_it(number):
    assert chat([SYSTEM, str(number)]) == str(number)
    assert chat([SYSTEM, str(number) + "x"]) == str(number) + "X"
"""


def accepted(project, run):
    (command,) = re.findall(r"^  answers still right\? (memo rekey .*)$", run.summary, re.MULTILINE)
    return project.paste(command)


@pytest.fixture
def nine(recorded):
    return recorded(test_app="from memo import recordable\n" + NINE.format(9))


@pytest.mark.parametrize(
    ("edit", "shown"),
    [
        (('"Be kind."', '"Be very kind."'), "very "),
        (('"Be kind."', '"Be kind.\\n" * 3'), "messages[0]"),
        (('model="m"', 'model="n"'), "model: "),
        (('model="m"', 'model="m", seed=3'), "seed: "),
        (('"Be kind."', "\"Be kind to 'all' and $HOME.\""), "$HOME"),
    ],
    ids=["word", "lines", "default", "parameter", "quotes"],
)
def test_one_edit_is_shown_once_and_accepted_by_one_command(nine, edit, shown):
    text = (nine.path / "test_app.py").read_text()
    assert edit[0] in text
    (nine.path / "test_app.py").write_text(text.replace(*edit))
    run = nine.run("-q", failed=9)
    assert run.summary.startswith("9 tests missed because of one change of test_app.chat")
    assert shown in run.summary
    assert run.text.count("looked in:") == 1
    assert run.text.count("the same change as in test_app.py::test_it[") == 8
    assert f"of {9} tests got a new key" in accepted(nine, run)
    assert nine.run("--memo-unused=fail", passed=9).exit == 0
    assert nine.calls == []


def test_several_edits_are_several_causes(nine):
    text = (nine.path / "test_app.py").read_text().replace("[SYSTEM, str(number)]", '[f"{number % 2}", str(number)]')
    (nine.path / "test_app.py").write_text(text)
    run = nine.run(failed=9)
    assert "5 tests missed because of one change" in run.summary
    assert "4 tests missed because of one change" in run.summary


def test_a_value_too_long_for_a_command_is_in_a_file(nine):
    text = (nine.path / "test_app.py").read_text().replace('"Be kind."', '"Be kind. " * 1000')
    (nine.path / "test_app.py").write_text(text)
    run = nine.run(failed=9)
    assert "=@.pytest_cache/" in run.summary
    accepted(nine, run)
    nine.run(passed=9)


def test_workers_and_caught_misses_count_together(nine):
    text = (nine.path / "test_app.py").read_text().replace('"Be kind."', '"Be good."')
    text += """
@pytest.mark.memo
def test_careless():
    try:
        chat([SYSTEM, "0"])
    except Exception:
        pass
"""
    (nine.path / "test_app.py").write_text(text)
    run = nine.run_process("-n2", plugins=("xdist",))
    assert "9 tests missed because of one change" in run.summary


def test_one_test_is_no_crowd(recorded):
    project = recorded(test_app="from memo import recordable\n" + NINE.format(1))
    text = (project.path / "test_app.py").read_text().replace('"Be kind."', '"Be good."')
    (project.path / "test_app.py").write_text(text)
    run = project.run(failed=1)
    assert "looked in:" in run.text
    assert "because of one change" not in run.summary
    (command,) = re.findall(r"^  (memo rekey .*)$", run.summary, re.MULTILINE)
    assert command.startswith(
        "memo rekey 'recordings/test_app/test_it[0]' --only test_app.chat --replace 'messages[0]#"
    )
    assert project.paste(command).startswith("2 recordings got a new key; ")
    assert project.run("--memo-unused=fail", passed=1).exit == 0


def test_a_call_that_is_new_takes_no_recording_that_its_test_uses(recorded):
    project = recorded(test_app="from memo import recordable\n" + NINE.format(1))
    with (project.path / "test_app.py").open("a") as file:
        file.write('    chat(["Be good.", "0x"])\n')
    run = project.run(failed=1)
    assert "nearest:" in run.text
    assert "memo rekey" not in run.summary
