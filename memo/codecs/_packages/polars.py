"""polars: frames and series in Arrow's stream format."""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any

from memo.codecs._packages._arrow import proved
from memo.codecs._shape import listed, text
from memo.codecs.registry import register_codec

__all__: list[str] = []

pl: Any = import_module("polars")
testing: Any = import_module("polars.testing")


def _frame(value: Any) -> bytes:
    sink = io.BytesIO()
    value.write_ipc_stream(sink, compression="uncompressed")
    return sink.getvalue()


def _frame_of(data: Any) -> Any:
    if type(data) is not bytes:
        raise TypeError("has data that are no bytes")
    return pl.read_ipc_stream(io.BytesIO(data))


def _same_frames(a: Any, b: Any) -> None:
    testing.assert_frame_equal(a, b, check_exact=True)


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
