"""Another package installs `memo/__init__.py`, too: a mixture of both is an error that says so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "memo"


SITE = """
import sys
from importlib.machinery import PathFinder

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return PathFinder.find_spec(name, [{!r}]) if name == "memo" else None

sys.meta_path.insert(0, Finder)
"""


@pytest.fixture(params=["another package was installed after memo", "another package was removed"])
def mixed(request, tmp_path):
    """Run Python where the package memo is a mixture."""
    shutil.copytree(PACKAGE, tmp_path / "site" / "memo", ignore=shutil.ignore_patterns("__pycache__"))
    root = tmp_path / "site" / "memo" / "__init__.py"
    if "installed" in request.param:
        root.write_text("__all__ = ['memfile']\n\ndef memfile(): ...\n", encoding="utf-8")
    else:
        root.unlink()
        # Whatever else has the package, this folder is where it is looked for: a folder without its root.
        (tmp_path / "site" / "sitecustomize.py").write_text(SITE.format(str(root.parent.parent)), encoding="utf-8")

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


EXPECTED = ("is a mixture: memo-recorder and ", "to fix: python -m pip uninstall -y memo-recorder ")


def test_the_command_says_so(mixed):
    done = mixed("-m", "memo", "ls")
    assert done.returncode == 2
    assert all(text in done.stderr for text in EXPECTED), done.stderr
    assert "Traceback" not in done.stderr


def test_pytest_says_so(mixed, tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it(): ...\n", encoding="utf-8")
    done = mixed("-m", "pytest", "-p", "memo.pytest_plugin", "-p", "no:cacheprovider", "test_it.py")
    assert done.returncode == 4, done.stdout + done.stderr
    assert all(text in done.stderr for text in EXPECTED), done.stderr
    assert "Traceback" not in done.stderr
