"""pandas: frames and series through Arrow, moments and spans."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from memo.codecs._packages._arrow import proved, read_table, write_table
from memo.codecs._shape import listed, text
from memo.codecs.registry import register_codec

__all__: list[str] = []

pd: Any = import_module("pandas")
testing: Any = import_module("pandas.testing")
_STEPPED = (pd.DatetimeIndex, pd.TimedeltaIndex)


def _table(value: Any) -> bytes:
    import_module("pandas.core.arrays.arrow.extension_types")  # which knows periods and intervals, in each process
    return write_table(import_module("pyarrow").Table.from_pandas(value))


def _table_of(data: Any) -> Any:
    import_module("pandas.core.arrays.arrow.extension_types")
    return read_table(data).to_pandas()


def _frame(value: Any) -> Any:
    """Return the table, and what Arrow does not keep: the steps of dates, the range that the columns are."""
    more: dict[str, Any] = {}
    if getattr(value.index, "freq", None) is not None and isinstance(value.index, _STEPPED):
        more["freq"] = value.index.freqstr
    if isinstance(value.columns, pd.RangeIndex):
        more["columns"] = [value.columns.start, value.columns.stop, value.columns.step]
    return {"table": _table(value), **more} if more else _table(value)


def _frame_of(form: Any) -> Any:
    if type(form) is not dict:
        return _table_of(form)
    value = _table_of(form["table"])
    if "columns" in form:
        value.columns = pd.RangeIndex(*listed(form["columns"]), name=value.columns.name)
    if "freq" in form:
        value.index.freq = text(form["freq"])
    return value


def _same_frames(a: Any, b: Any) -> None:
    testing.assert_frame_equal(a, b, check_exact=True, check_index_type="exact", check_column_type="exact")
    if a.attrs != b.attrs:
        raise ValueError("its attrs differ")


def _series(value: Any) -> list[Any]:
    return [value.name, _frame(value.to_frame("values"))]


def _series_of(name: Any, data: Any) -> Any:
    return _frame_of(data)["values"].rename(name)


def _same_series(a: Any, b: Any) -> None:
    testing.assert_series_equal(a, b, check_exact=True, check_index_type="exact")


def _moment(value: Any) -> dict[str, Any]:
    wall = value.tz_localize(None).isoformat()
    return {"wall": wall, "zone": value.tzinfo, "fold": value.fold, "unit": value.unit}


def _moment_of(form: Any) -> Any:
    wall = pd.Timestamp(text(form["wall"])).as_unit(text(form["unit"]))
    return wall if form["zone"] is None else wall.tz_localize(form["zone"], ambiguous=not form["fold"])


def _span(value: Any) -> list[Any]:
    return [value.asm8.view("i8").item(), value.unit]


def _span_of(data: Any) -> Any:
    count, unit = listed(data)
    return pd.Timedelta(import_module("numpy").timedelta64(count, text(unit)))


register_codec(pd.DataFrame, encode=proved(_frame, _frame_of, _same_frames), decode=_frame_of, name="pandas:DataFrame")
register_codec(
    pd.Series,
    encode=proved(_series, lambda data: _series_of(*data), _same_series),
    decode=lambda data: _series_of(*listed(data)),
    name="pandas:Series",
)
register_codec(pd.Timestamp, encode=_moment, decode=_moment_of, name="pandas:Timestamp")
register_codec(pd.Timedelta, encode=_span, decode=_span_of, name="pandas:Timedelta")
register_codec(type(pd.NaT), encode=lambda _: None, decode=lambda _: pd.NaT, name="pandas:NaT")
register_codec(type(pd.NA), encode=lambda _: None, decode=lambda _: pd.NA, name="pandas:NA")
