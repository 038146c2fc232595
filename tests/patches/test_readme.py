"""The page on patches: its Python blocks run, in order, in one directory; those that name their file are kept for the next."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import memo
from memo._configuration import configured

PAGE = (Path(memo.__file__).parent / "patches" / "README.md").read_text(encoding="utf-8")


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_examples_run(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "tools.py").write_text("class Search:\n    async def invoke_tool(self, trace_id): ...\n")
    for number, block in enumerate(blocks("python")):
        named = re.match(r"# (\w+\.py)\n", block)
        program = tmp_path / (named[1] if named else f"block_{number}.py")
        program.write_text(block)
        done = subprocess.run(
            [sys.executable, program.name], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), f"{program.name}\n{done.stderr}"
    assert sorted(each.name for each in (tmp_path / "recordings").iterdir()) == [
        "acme.greet",
        "acme.stream",
        "north",
        "south",
    ]
    assert not [each for each in (tmp_path / "recordings").rglob("*.json") if "secret" in each.read_text()]


def test_its_configuration_is_one(tmp_path):
    [block] = blocks("toml")
    (tmp_path / "pyproject.toml").write_text(block)
    configuration = configured({"MEMO_PROJECT": str(tmp_path)})
    assert list(configuration.patches) == ["openai", "shop.tools:Search.invoke_tool"]
    assert tomllib.loads(block)["tool"]["memo"]["mode"] == configuration.mode


def test_it_is_short():
    own = next(block for block in blocks("python") if block.startswith("# acme_memo.py"))
    assert len(own.splitlines()) <= 20
