"""`memo COMMAND --help`, on a terminal: it takes the texts for Markdown."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from memo.cli._app import app


def commands(command):
    yield command
    for each in getattr(command, "commands", {}).values():
        yield from commands(each)


def test_nothing_is_taken_for_a_tag_and_left_out():
    for command in commands(typer.main.get_command(app())):
        for text in (command.help, *(getattr(each, "help", None) for each in command.params)):
            assert not re.search("(?<!`)<[a-z]", text or ""), command.name


def test_exit_codes_are_documented():
    for command in commands(typer.main.get_command(app())):
        if not hasattr(command, "commands") and command.name != "demo":
            assert "Exit codes: " in f"{command.help} {command.epilog}", command.name


@pytest.mark.parametrize("columns", [80, 200])
def test_flags_are_shown_without_a_type(on_a_terminal, columns):
    shown, code = on_a_terminal(columns, "scan", "--help")
    assert code == 0
    assert "Accept a store without any recording" in shown
    assert "<bool>" not in shown


def test_every_command_and_option_is_in_the_reference():
    text = (Path(__file__).parent.parent.parent / "docs" / "commands.md").read_text(encoding="utf-8")
    top = typer.main.get_command(app())
    assert sorted(name for name in top.commands if f"`memo {name}" not in text) == []
    options = {option for command in commands(top) for param in command.params for option in param.opts}
    assert (
        sorted(option for option in options - {"--version", "--help"} if option.startswith("--") and option not in text)
        == []
    )


@pytest.mark.parametrize(("typed", "completed"), [("memo ver", "verify"), ("memo verify --allow", "--allow-empty")])
def test_the_shell_completes_commands_and_options(typed, completed):
    words = len(typed.split()) - 1
    environment = {**os.environ, "_MEMO_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(words)}
    done = subprocess.run(
        [sys.executable, "-m", "memo"], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.split() == [completed]


def test_completion_is_installed_for_the_shell(tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "memo", "--install-completion", "bash"]
    subprocess.run(command, env=environment, capture_output=True, check=True, timeout=300)
    assert "complete_bash" in (tmp_path / ".bash_completions" / "memo.sh").read_text(encoding="utf-8")
