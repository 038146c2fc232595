"""What Arrow, PIL and numpy do not keep by themselves comes back in another process, or is refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from memo.codecs import dumps, loads
from memo.errors import UnrecordableValue

np = pytest.importorskip("numpy")


def read_elsewhere(folder: Path, values: list[object], checks: list[str], imports: str = "sys") -> list[str]:
    """Return what a new process finds of each value."""
    (folder / "values.json").write_bytes(dumps(values))
    program = f"""
import pathlib
import {imports}
from memo import loads
values = loads(pathlib.Path("values.json").read_bytes())
for value, check in zip(values, {checks!r}):
    print(repr(eval(check)).replace(chr(10), " "))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, check=True, capture_output=True, text=True, encoding="utf-8"
    )
    return done.stdout.splitlines()


def test_pandas_periods_intervals_and_steps(tmp_path: Path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    days = pd.date_range("2020-01-01", periods=2, freq="D")
    values, checks = zip(
        (pd.Series([1], index=pd.interval_range(0, 1)), "value.index, value.index[0]"),
        (pd.DataFrame({"a": [1]}, index=pd.period_range("2020-01", "2020-01", freq="M")), "value.index"),
        (pd.DataFrame({"a": pd.interval_range(0, 2)}), "value.a.dtype, value.a.tolist()"),
        (pd.DataFrame({"a": [1, 2]}, index=days), "value.index"),
        (pd.Series([1, 2], index=days), "value.index"),
        (pd.DataFrame(np.zeros((1, 2))), "value.columns"),
        (pd.DataFrame({5: [1], 3: [2]}), "value.columns"),
        (pd.DataFrame(), "value.columns"),
        strict=True,
    )
    assert read_elsewhere(tmp_path, [*values], [*checks], "pandas") == [
        repr(eval(check)).replace("\n", " ") for value, check in zip(values, checks, strict=True)
    ]


def test_arrays_that_cannot_be_written_to(tmp_path: Path):
    array = np.frombuffer(b"\x01\x02", dtype="u1")
    assert read_elsewhere(tmp_path, [array], ["value.flags.writeable, value.tolist()"], "numpy") == ["(False, [1, 2])"]
    objects = np.array([{1}], dtype=object)
    objects.flags.writeable = False
    assert not loads(dumps(objects)).flags.writeable
    assert loads(dumps(objects.copy())).flags.writeable


def test_what_a_dtype_says_besides_its_type_is_not_lost():
    with pytest.raises(UnrecordableValue, match="with metadata"):
        dumps(np.zeros(1, dtype=np.dtype("i4", metadata={"unit": "m"})))


def test_the_colors_of_an_image_with_a_palette():
    image_module = pytest.importorskip("PIL.Image")
    for image in (
        image_module.new("RGB", (2, 2), "red").convert("P"),
        image_module.new("RGB", (2, 2), "red").quantize(4),
        image_module.new("RGBA", (2, 2), (1, 2, 3, 4)).quantize(2),
    ):
        back = loads(dumps(image))
        assert back.getpalette() == image.getpalette()
        assert back.convert("RGBA").tobytes() == image.convert("RGBA").tobytes()


def test_what_msgspec_leaves_unset():
    msgspec = pytest.importorskip("msgspec")
    assert loads(dumps([msgspec.UNSET]))[0] is msgspec.UNSET
