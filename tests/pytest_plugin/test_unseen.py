"""A marked test whose calls memo has no part in says so: it connected to hosts, and nothing is patched."""

import pytest
from http_routes import HttpServer

ASKS = """
import urllib.request
import memo

def ask():
    return urllib.request.urlopen({url!r} + "/json").status

@pytest.mark.memo({options})
def test_it():
    assert ask() == 200
"""


@pytest.fixture(scope="module")
def server():
    running = HttpServer()
    yield running
    running.stop()


def asks(server, options="", more=""):
    return ASKS.format(url=server.url, options=options) + more


@pytest.mark.parametrize("arguments", [[], ["-q"], ["--memo-mode=record"]])
def test_the_hosts_and_the_way_to_record_them_are_in_a_line(project, server, arguments):
    project.write(test_app=asks(server, more="\n@pytest.mark.memo\ndef test_two():\n    ask()\n"))
    run = project.run(*arguments, passed=2)
    (line,) = (line for line in run.summary.splitlines() if "connected" in line)
    assert line.startswith("2 tests with the mark memo made no call that memo knows, but connected to ")
    assert server.url.removeprefix("http://") in line
    assert '{"patches": ["http"]} in memo_config' in line
    assert "memo.install('http')" in line
    assert "test_app.py::test_it, test_app.py::test_two" in line
    assert run.exit == 0


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ("mode='live'", ""),
        ("mode='verify'", ""),
        ("allow=['localhost:1']", ""),
        ("mode='record'", "    ask_sync('a')\n"),
        ("mode='record'", "    with memo.recording('x', mode='live'):\n        ask()\n"),
        ("", "    raise ValueError\n"),
    ],
)
def test_tests_that_connect_on_purpose_or_call_or_fail_say_nothing(project, server, options, more):
    written = asks(server, options, more)
    if "recording" in more:  # the connection is made in that scope alone
        written = written.replace("    assert ask() == 200\n", "")
    project.write(test_app=written)
    assert "connected" not in project.run().text


def test_unmarked_tests_allowed_hosts_and_wider_fixtures_say_nothing(project, server):
    plain = asks(server).replace("@pytest.mark.memo()", "")
    wider = (
        asks(server).partition("@pytest")[0]
        + """
@pytest.fixture(scope="module")
def up():
    ask()

@pytest.mark.memo
def test_it(up):
    pass
"""
    )
    project.write(test_plain=plain, test_wider=wider)
    assert "connected" not in project.run(passed=2).text
    project.ini("memo_allowed_hosts = 127.0.0.0/8")
    project.write(test_allowed=asks(server))
    assert "connected" not in project.run(passed=3).text


def test_workers_and_shared_recorders_say_it_too(project, server):
    project.write(test_app=asks(server))
    project.ini("memo_scope = module")
    assert "1 test with the mark memo made no call" in project.run(passed=1).summary
    pytest.importorskip("xdist")
    run = project.run_process("-n1", plugins=("xdist.plugin", "xdist.looponfail"), passed=1)
    assert "1 test with the mark memo made no call" in run.summary
