"""`memo.install()` without arguments: what a project and its environment say, and each way to say it wrongly."""

import logging
import subprocess
import sys

import pytest

import memo
from memo import recordable
from memo.errors import InvalidMode, InvalidOption, TargetNotFound, UnrecordableValue

TOOLS = """
class Tool:
    async def run(self, x, trace=None):
        return [x]

def search(x):
    return x

def make():
    return object()
"""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A project whose working directory is some folder inside it."""
    folder = tmp_path / "src" / "deep"
    folder.mkdir(parents=True)
    (tmp_path / "config_tools.py").write_text(TOOLS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(folder)
    yield tmp_path
    sys.modules.pop("config_tools", None)
    assert memo.current() is None


def pyproject(project, text):
    (project / "pyproject.toml").write_text(f'[project]\nname = "x"\n\n[tool.memo]\n{text}')


@pytest.mark.parametrize(
    "old", ['presets = ["openai"]', 'targets = ["config_tools:search"]', "[tool.memo.targets]\nopenai = {}"]
)
def test_the_old_words_work_and_warn(project, old):
    pyproject(project, old)
    with (
        pytest.warns(DeprecationWarning, match="is an old word: write patches = ") as warned,
        memo.install() as installation,
    ):
        assert installation.targets
    assert warned[0].filename == __file__


def test_everything_from_a_file(project):
    pyproject(
        project,
        """
        mode = "record"
        store = "kept"
        errors = "all"
        timings = true
        pace = 2
        [tool.memo.patches]
        openai = {}
        "config_tools:Tool.run" = { name = "tool", ignore = ["trace"] }
        "config_tools:search" = {}
        """,
    )
    with memo.install() as installation:
        assert [each for each in installation.targets if each.startswith("config_tools")] == [
            "config_tools:Tool.run",
            "config_tools:search",
        ]
        import config_tools

        recorder = memo.current()
        assert recorder is installation.recorder
        assert (recorder.mode, recorder.errors, recorder.timings, recorder.pace) == ("record", "all", True, 2)
        assert config_tools.search(1) == 1
        assert [each.name for each in (project / "kept").iterdir()] == ["config_tools.search"]
    assert memo.current() is None
    assert config_tools.search.__class__ is test_everything_from_a_file.__class__


def test_targets_as_a_list_and_no_recorder(project):
    pyproject(project, 'patches = ["config_tools:search"]')
    with memo.install() as installation:
        assert installation.targets == ("config_tools:search",)
        assert memo.current() is installation.recorder is None


@pytest.mark.parametrize("line", ['mode = "replay"', 'store = "x"', "timings = false"])
def test_a_recorder_is_started_where_one_is_described(project, line):
    pyproject(project, line)
    with memo.install():
        assert memo.current().mode == "replay"


def test_options_of_a_preset(project):
    pyproject(project, 'patches = { openai = { ignore = ["server"] } }')
    from memo.patches import _registry

    pytest.importorskip("openai")
    with memo.install() as installation:
        assert len(installation.targets) >= 2
        for target in installation.targets:
            assert "server" in _registry._applied[target].patch.options["ignore"]


def test_memo_toml_before_pyproject_and_the_nearest_first(project):
    pyproject(project, 'mode = "record"')
    with memo.install():
        assert memo.current().mode == "record"
    (project / "memo.toml").write_text('mode = "live"')
    with memo.install():
        assert memo.current().mode == "live"
    (project / "src" / "pyproject.toml").write_text('[project]\nname = "inner"\n')  # says nothing of memo
    with memo.install():
        assert memo.current().mode == "live"
    (project / "src" / "memo.toml").write_text('mode = "record-if-missing"\nstore = "there"')
    with memo.install():
        assert memo.current().mode == "record-if-missing"
        assert memo.current().store.location() == str(project / "src" / "there")


def test_the_environment_wins(project, monkeypatch):
    pyproject(project, 'mode = "live"\nstore = "kept"\npatches = ["config_tools:search"]')
    monkeypatch.setenv("MEMO_MODE", "once")
    monkeypatch.setenv("MEMO_STORE", str(project / "other"))
    monkeypatch.setenv("MEMO_PATCHES", " config_tools:Tool.run ,, config_tools:search,")
    with memo.install() as installation:
        assert installation.targets == ("config_tools:search", "config_tools:Tool.run")
        assert memo.current().mode == "record-if-missing"
        assert memo.current().store.location() == str(project / "other")


def test_a_store_that_is_no_directory(project):
    pyproject(project, 'mode = "record"\nstore = "memory://"')
    with memo.install():
        assert memo.current().store.location() == "memory://"


def test_a_recorder_that_was_started_before_stays(project, tmp_path):
    pyproject(project, 'mode = "live"')
    mine = memo.start(tmp_path / "mine", mode="replay")
    with memo.install() as installation:
        assert memo.current() is mine
        assert installation.recorder is None
    assert memo.current() is mine
    mine.stop()


def test_installing_twice(project):
    pyproject(project, 'mode = "live"\npatches = ["config_tools:search"]')
    one = memo.install()
    two = memo.install()
    one.uninstall()
    assert memo.current() is None
    two.uninstall()


def test_nothing_configured(caplog):
    with memo.install() as installation:
        assert installation.targets == ()
    [entry] = caplog.records
    assert entry.levelno == logging.WARNING
    assert "[tool.memo]" in entry.message


WRONG = [
    ('mod = "replay"', "option='mod'", "mode"),
    ('mode = "reply"', "mode='reply'", "record-if-missing"),
    ("mode = 3", "mode=3", "a text"),
    ("store = []", "store=[]", "a text"),
    ('patches = "openai"', "patches='openai'", "a list of names"),
    ("patches = [1]", "patches=[1]", "a list of names"),
    ('patches = ["opneai"]', "preset='opneai'", "(did you mean 'openai'?)"),
    ('patches = ["config_tools"]', "preset='config_tools'", "package.module:Class.method"),
    ('patches = ["config_tools:a b"]', "target='config_tools:a b'", "package.module:Class.method"),
    ("patches = 3", "patches=3", "a table of names"),
    ('patches = { "config_tools:search" = 3 }', "patches={", "a table of names"),
    ('patches = { "config_tools:search" = { nmae = "x" } }', "option='nmae'", "ignore"),
    ('patches = { "config_tools:search" = { key = "x" } }', "option='key'", "ignore"),
    ('patches = { "config_tools:search" = { ignore = "x" } }', "patches.config_tools:search.ignore='x'", "a list of"),
    ('patches = { "config_tools:search" = { version = true } }', "version=True", "whole number"),
    ('patches = { "config_tools:search" = { errors = "some" } }', "errors='some'", "answers"),
    ('patches = { openai = { nmae = "x" } }', "option='nmae'", "ignore"),
    ('patches = { "config_tools:search" = { ignore = ["x["] } }', "x[", "ignore"),
    ('exhausted = "never"', "exhausted='never'", "repeat"),
    ('on_watched_change = "nothing"', "on_watched_change='nothing'", "warn"),
    ('errors = "some"', "errors='some'", "answers"),
    ('timings = "yes"', "timings='yes'", "true or false"),
    ("timings = 1", "timings=1", "true or false"),
    ('pace = "fast"', "pace='fast'", "a number"),
    ("pace = true", "pace=True", "a number"),
    ("memory = 1.5", "memory=1.5", "a number of bytes"),
    ('trust = "app"', "trust='app'", "a list of texts"),
    ("mode = ", "Invalid value", "a TOML file"),
]


@pytest.mark.parametrize(("text", "says", "allowed"), WRONG)
@pytest.mark.parametrize("file", ["pyproject.toml", "memo.toml"])
def test_what_is_wrong_is_one_error_that_names_the_file(project, file, text, says, allowed):
    path = project / file
    path.write_text(f"[tool.memo]\n{text}" if file == "pyproject.toml" else text)
    with pytest.raises(InvalidOption) as caught:
        memo.install()
    message = str(caught.value)
    assert message.startswith(str(path))
    assert says in message
    assert allowed in message
    assert "\n" not in message
    assert memo.current() is None


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\nmemo = 3", "[[tool.memo]]\nmode = 'live'"])
def test_a_section_that_is_not_a_table(project, text):
    (project / "pyproject.toml").write_text(text)
    if text == "tool = 3":  # nothing of memo's
        memo.install().uninstall()
        return
    with pytest.raises(InvalidOption, match=r"pyproject\.toml: tool\.memo"):
        memo.install()


def test_a_file_that_is_no_text(project):
    (project / "memo.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidOption, match=r"memo\.toml"):
        memo.install()


def test_a_target_that_is_not_there(project):
    pyproject(project, 'patches = ["config_tolos:search"]')
    with pytest.raises(
        TargetNotFound, match=r"config_tolos \(named in .*pyproject\.toml\)\. Did you mean config_tools"
    ):
        memo.install()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MEMO_MODE", "reply", r"MEMO_MODE='reply'.*record-if-missing"),
        ("MEMO_PATCHES", "opneai", r"MEMO_PATCHES: preset='opneai'.*did you mean 'openai'"),
        ("MEMO_PATCHES", "openai;ollama", r"MEMO_PATCHES: preset='openai;ollama'"),
    ],
)
def test_a_wrong_environment(monkeypatch, name, value, says):
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidOption, match=says) as caught:
        memo.install()
    assert isinstance(caught.value, InvalidMode) == (name == "MEMO_MODE")
    assert memo.current() is None


def test_nothing_is_left_of_an_installation_that_failed(project):
    import config_tools

    pyproject(project, 'mode = "record"\n[tool.memo.patches]\n"config_tools:search" = {}\n"config_tools:Tool.rnu" = {}')
    with pytest.raises(TargetNotFound, match=r"Did you mean config_tools:Tool\.run"):
        memo.install()
    assert memo.current() is None
    assert config_tools.search.__class__ is test_a_section_that_is_not_a_table.__class__


def test_options_without_targets():
    with pytest.raises(InvalidOption, match="ignore"):
        memo.install(ignore="x")


# What could not be recorded


def test_removing_raises_what_could_not_be_recorded(project):
    pyproject(project, 'mode = "record"\nstore = "memory://"\npatches = ["config_tools:make"]')
    import config_tools

    installation = memo.install()
    config_tools.make()
    with pytest.raises(UnrecordableValue, match=r"config_tools\.make"):
        installation.uninstall()
    assert memo.current() is None
    installation.uninstall()


def test_an_error_on_its_way_is_not_hidden(project):
    pyproject(project, 'mode = "record"\nstore = "memory://"\npatches = ["config_tools:make"]')
    import config_tools

    def program():
        with memo.install():
            config_tools.make()
            return 1 / 0

    with pytest.raises(ZeroDivisionError):
        program()
    assert memo.current() is None


@pytest.mark.parametrize("times", [1, 12])
def test_what_could_not_be_recorded_is_reported_when_the_process_ends(project, times):
    pyproject(project, 'mode = "record"\npatches = ["config_tools:make"]')
    program = f"""
import logging
logging.disable()
import memo
memo.install()
import config_tools
for _ in range({times}):
    config_tools.make()
print("end")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "end\n")
    first, *lines = done.stderr.splitlines()
    assert first == f"memo: {times} call{'s' if times > 1 else ''} could not be recorded:"
    assert lines[0].startswith("  config_tools.make: ")
    assert len(lines) == (1 if times == 1 else 11)
    assert times == 1 or lines[-1] == "  and 2 more"


def test_nothing_is_printed_when_all_went_well(project):
    pyproject(project, 'mode = "record"\npatches = ["config_tools:search"]')
    program = "import memo; memo.install(); import config_tools; config_tools.search(1)"
    done = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_decorated_functions_need_no_target(project):
    pyproject(project, 'mode = "record"')

    @recordable
    def twice(x):
        return x * 2

    with memo.install() as installation:
        assert twice(2) == 4
        assert installation.recorder.stats.recorded == 1


@pytest.mark.parametrize(
    "text",
    [
        'patches = ["config_tools:search"]',
        '[tool.memo]\npatches = ["config_tools:search"]',
        '[patches]\n"config_tools:search" = {}',
    ],
)
def test_a_file_of_memos_own_is_a_table_or_has_one(project, text):
    import config_tools

    (project / "memo.toml").write_text(text)
    before = config_tools.search
    with memo.install():
        assert config_tools.search is not before
    assert config_tools.search is before


def test_a_list_in_a_table_of_patches_is_refused_with_both_forms(project):
    (project / "memo.toml").write_text('[patches]\nnames = ["openai"]')
    with pytest.raises(InvalidOption) as caught:
        memo.install()
    assert 'a list of names: patches = ["openai"]' in str(caught.value)
    assert "a table of names with their options: openai = {}" in str(caught.value)
