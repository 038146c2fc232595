"""polars: frames and series in Arrow's stream format."""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any

from memo.codecs._packages._arrow import proved
from memo.codecs._shape import listed, mapping, text
from memo.codecs.registry import register_codec
from memo.errors import UnrecordableValue

__all__: list[str] = []

pl: Any = import_module("polars")
testing: Any = import_module("polars.testing")


def _frame(value: Any) -> Any:
    """Return the table, and which columns are known to be sorted, "descending" or not: Arrow does not keep that."""
    sink = io.BytesIO()
    value.write_ipc_stream(sink, compression="uncompressed")
    ordered = {name: flags.get("SORTED_DESC", False) for name, flags in value.flags.items() if _is_sorted(flags)}
    return {"table": sink.getvalue(), "descending": ordered} if ordered else sink.getvalue()


def _is_sorted(flags: Any) -> bool:
    return bool(flags.get("SORTED_ASC") or flags.get("SORTED_DESC"))


def _frame_of(form: Any) -> Any:
    data, ordered = (form["table"], mapping(form["descending"])) if type(form) is dict else (form, {})
    if type(data) is not bytes:
        raise TypeError("has data that are no bytes")
    made = pl.read_ipc_stream(io.BytesIO(data))
    return made.with_columns(made[name].set_sorted(descending=bool(down)) for name, down in ordered.items())


def _same_frames(a: Any, b: Any) -> None:
    testing.assert_frame_equal(a, b, check_exact=True)
    if a.flags != b.flags:
        raise ValueError(f"has the flags {b.flags}")


def _query(value: Any) -> Any:
    raise UnrecordableValue("", "is a query that has not run", fix="to record its result, return query.collect()")


def _series(value: Any) -> list[Any]:
    return [value.name, _frame(value.to_frame())]


def _series_of(name: Any, data: Any) -> Any:
    return _frame_of(data).to_series().alias(text(name))


def _same_series(a: Any, b: Any) -> None:
    testing.assert_series_equal(a, b, check_exact=True)


register_codec(pl.DataFrame, encode=proved(_frame, _frame_of, _same_frames), decode=_frame_of, name="polars:DataFrame")
register_codec(
    pl.Series,
    encode=proved(_series, lambda data: _series_of(*data), _same_series),
    decode=lambda data: _series_of(*listed(data)),
    name="polars:Series",
)
register_codec(pl.LazyFrame, encode=_query, decode=_query, name="polars:LazyFrame")
