"""pandas: frames, series, indexes and arrays through Arrow, moments and spans."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from memo.codecs._packages._arrow import proved, read_table, write_table
from memo.codecs._shape import listed, mapping, text
from memo.codecs.registry import register_codec

__all__: list[str] = []

np: Any = import_module("numpy")
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
    for name, index in (("freq", value.index), ("steps", value.columns)):
        if isinstance(index, _STEPPED) and index.freq is not None:
            more[name] = index.freqstr
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
    if "steps" in form:
        value.columns.freq = text(form["steps"])
    return value


def _same_frames(a: Any, b: Any) -> None:
    testing.assert_frame_equal(a, b, check_exact=True, check_index_type="exact", check_column_type="exact")
    if _steps(a.columns) != _steps(b.columns):
        raise ValueError("the steps of its columns differ")
    if a.attrs != b.attrs:
        raise ValueError("its attrs differ")


def _steps(index: Any) -> Any:
    return index.freq if isinstance(index, _STEPPED) else None


def _series(value: Any) -> list[Any]:
    return [value.name, _frame(value.to_frame("values"))]


def _series_of(name: Any, data: Any) -> Any:
    return _frame_of(data)["values"].rename(name)


def _same_series(a: Any, b: Any) -> None:
    testing.assert_series_equal(a, b, check_exact=True, check_index_type="exact")


def _index(value: Any) -> dict[str, Any]:
    """Return the names, which may be of any type, and the range, the levels or the values."""
    names = [*value.names]
    if type(value) is pd.RangeIndex:
        return {"names": names, "range": [value.start, value.stop, value.step]}
    if isinstance(value, pd.MultiIndex):
        return {"names": names, "levels": [level.rename(None) for level in value.levels], "codes": [*value.codes]}
    if type(value) is pd.Index:
        return {"names": names, "values": value.to_numpy() if isinstance(value.dtype, np.dtype) else value.array}
    return {"names": names, "table": _frame(pd.DataFrame(index=value.rename("values")))}


def _index_of(form: Any, cls: type) -> Any:
    form = mapping(form)
    names = listed(form["names"])
    if "range" in form:
        made = pd.RangeIndex(*listed(form["range"]))
    elif "levels" in form:
        made = pd.MultiIndex(levels=listed(form["levels"]), codes=listed(form["codes"]))
    elif "values" in form:
        made = pd.Index(form["values"], dtype=form["values"].dtype)
    else:
        made = _frame_of(form["table"]).index
    made.names = names
    if type(made) is not cls:
        raise TypeError(f"is a {type(made).__name__}")
    return made


def _same_indexes(a: Any, b: Any) -> None:
    testing.assert_index_equal(a, b, exact=True, check_exact=True)
    if _steps(a) != _steps(b) or [*map(type, a.names)] != [*map(type, b.names)]:
        raise ValueError("its steps or names differ")
    if type(a) is pd.Index and a.dtype == object and [*map(type, a)] != [*map(type, b)]:
        raise ValueError("its values differ")


def _extension(value: Any) -> Any:
    return _frame(pd.DataFrame({"values": value}))


def _extension_of(form: Any, cls: type) -> Any:
    made = _frame_of(form)["values"].array
    if type(made) is not cls:
        raise TypeError(f"is a {type(made).__name__}")
    return made


def _same_extensions(a: Any, b: Any) -> None:
    testing.assert_extension_array_equal(a, b, check_exact=True)
    if getattr(a, "freq", None) != getattr(b, "freq", None):
        raise ValueError("its steps differ")


def _proved(encode: Any, decode: Any, check: Any) -> Any:
    """Return `encode`, proved to give a value of the same class back."""
    return lambda value: proved(encode, lambda data: decode(data, type(value)), check)(value)


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
    return pd.Timedelta(np.timedelta64(count, text(unit)))


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
register_codec(
    pd.Index,
    encode=_proved(_index, _index_of, _same_indexes),
    decode=_index_of,
    name="pandas:Index",
    subclasses=True,
)
register_codec(
    pd.api.extensions.ExtensionArray,
    encode=_proved(_extension, _extension_of, _same_extensions),
    decode=_extension_of,
    subclasses=True,
)
register_codec(
    pd.Period,
    encode=lambda v: [v.ordinal, v.freqstr],
    decode=lambda data: pd.Period(ordinal=listed(data)[0], freq=text(listed(data)[1])),
    name="pandas:Period",
)
register_codec(
    pd.Interval,
    encode=lambda v: [v.left, v.right, v.closed],
    decode=lambda data: pd.Interval(*listed(data)),
    name="pandas:Interval",
)
