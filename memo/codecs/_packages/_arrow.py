"""Tables through Arrow: as bytes, and proved to come back equal."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["proved", "read_table", "write_table"]


def write_table(table: Any) -> bytes:
    pa = import_module("pyarrow")
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def read_table(data: Any) -> Any:
    pa = import_module("pyarrow")
    if type(data) is not bytes:
        raise TypeError("has data that are no bytes")
    table = pa.ipc.open_stream(data).read_all()
    if table.nbytes > 16 * len(data) + 4096 or table.num_rows * max(table.num_columns, 1) > 64 * len(data) + 1024:
        raise ValueError("is larger than what is recorded of it")
    return table


def proved(encode: Callable[[Any], Any], decode: Callable[[Any], Any], check: Callable[[Any, Any], None]) -> Any:
    """Return `encode`, which raises TypeError for a value that its data do not give back."""

    def proved(value: Any) -> Any:
        data = encode(value)
        try:
            check(decode(data), value)
        except Exception as error:
            first = str(error).partition("\n")[0]
            raise TypeError(f"would not come back equal through Arrow ({first})") from error
        return data

    return proved
