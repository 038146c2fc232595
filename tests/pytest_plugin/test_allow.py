"""`allow` in tests: in the mark, in `memo_config`, and in `[tool.memo]`."""

# pytester takes away what an inner run imported: here it is imported once, and not once a test.
import httpcore2  # noqa: F401
import openai  # noqa: F401
import pytest

TEST = """
import openai

@pytest.mark.memo{mark}
def test_it():
    with openai.OpenAI(base_url="http://127.0.0.1:9", api_key="k", max_retries=0) as client:
        with pytest.raises(openai.APIConnectionError):
            client.models.list()
"""
CONFIG = """
import pytest

@pytest.fixture(scope="session")
def memo_config():
    return {{"allow": {allow!r}}}
"""


def in_mark(project, allow):
    return f"(allow={allow!r})"


def in_fixture(project, allow):
    project.write(conftest=CONFIG.format(allow=allow))
    return ""


def in_file(project, allow):
    (project.path / "pyproject.toml").write_text(f"[tool.memo]\nallow = {list(allow)}\n")
    return ""


@pytest.mark.parametrize("place", [in_mark, in_fixture, in_file])
@pytest.mark.parametrize("allow", [("openai",), ("127.0.0.1:9",)])
def test_what_is_allowed_is_called(project, place, allow):
    project.write(test_it=TEST.format(mark=place(project, allow)))
    project.run("--memo-block-network", passed=1)


@pytest.mark.parametrize("place", [in_mark, in_fixture, in_file])
def test_what_is_not_allowed_is_an_error_that_names_the_option(project, place):
    project.write(test_it=TEST.format(mark=place(project, ("mcp",))))
    run = project.run(failed=1)
    assert (
        'allow=("openai",) among the options of the recorder, of the mark, of memo_config or of [tool.memo]' in run.text
    )
