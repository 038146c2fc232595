"""What the old recorder's recordings take once they are memo's: 1,627 of them, or what MEMO_CORPUS names."""

import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks._harness import ROOT, Row, Skipped, run_python

SUBJECT = "corpus: bytes of the imported recordings"


def rows(*, quick: bool) -> Iterator[Row | Skipped]:
    given = os.environ.get("MEMO_CORPUS")
    source = Path(given) if given else ROOT.parent / "shared" / "corpus" / "llama-stack-recordings.tar.xz"
    if not source.exists():
        yield Skipped(SUBJECT, f"there is no {given or f'../{source.relative_to(ROOT.parent)}'} (MEMO_CORPUS names it)")
        return
    with tempfile.TemporaryDirectory() as directory:
        if source.is_file():
            with tarfile.open(source) as archive:
                archive.extractall(Path(directory, "old"), filter="data")
            source = Path(directory, "old")
        new = Path(directory, "new")
        try:
            run_python("-m", "memo", "import", "llama-stack", str(source), str(new), "--json")
        except RuntimeError as error:
            yield Skipped(SUBJECT, str(error))
            return
        yield Row(SUBJECT, size(new), size(source), 1 / 3, unit="B", against="before")


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.json"))
