"""Another package installs `memo/__init__.py`, too: a mixture of both is an error that says so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "memo"


@pytest.fixture(params=["another package was installed after memo", "another package was removed"])
def mixed(request, tmp_path):
    """Run Python where the package memo is a mixture."""
    shutil.copytree(PACKAGE, tmp_path / "site" / "memo", ignore=shutil.ignore_patterns("__pycache__"))
    root = tmp_path / "site" / "memo" / "__init__.py"
    if "installed" in request.param:
        root.write_text("__all__ = ['memfile']\n\ndef memfile(): ...\n", encoding="utf-8")
    else:
        root.unlink()
        # An installation in place, as this one, would lend its own.
        (tmp_path / "site" / "sitecustomize.py").write_text(
            "import sys\nsys.path[:] = [entry for entry in sys.path if entry not in {repr}]\n".replace(
                "{repr}", repr([str(PACKAGE.parent)])
            ),
            encoding="utf-8",
        )

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
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
    done = mixed("-m", "pytest", "-p", "no:cacheprovider", "test_it.py")
    assert done.returncode == 4
    assert all(text in done.stderr for text in EXPECTED), done.stderr
    assert "Traceback" not in done.stderr
