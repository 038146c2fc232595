"""Codecs of the standard library's value types."""

from __future__ import annotations

import math
import re
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, get_args
from uuid import UUID

from pydantic_core import MultiHostUrl, PydanticCustomError, TzInfo, Url, ValidationError, core_schema

from memo.codecs.registry import register_codec, register_later

__all__: list[str] = []


def _moment(value: datetime | time) -> Any:
    zone = value.tzinfo
    if zone is None and not value.fold:
        return value.isoformat()
    # Python 3.11 reads an offset of less than a second as none.
    if type(zone) is timezone and len(_offset(zone)) == 1 and not zone.utcoffset(None).microseconds and not value.fold:
        return value.isoformat()
    return {"wall": value.replace(tzinfo=None, fold=0).isoformat(), "zone": zone, "fold": value.fold}


def _moment_of(cls: Any, data: Any) -> Any:
    if isinstance(data, str):
        return cls.fromisoformat(data)
    return cls.fromisoformat(data["wall"]).replace(tzinfo=data["zone"], fold=data["fold"])


def _offset(zone: timezone) -> list[Any]:
    delta, name = zone.utcoffset(None), zone.tzname(None)
    return [delta] if name == timezone(delta).tzname(None) else [delta, name]


def _clock(zone: TzInfo) -> float:
    delta = zone.utcoffset(None)
    return delta.total_seconds() if delta is not None else math.nan


def _invalid(error: ValidationError) -> dict[str, Any]:
    notes = {"notes": error.__notes__} if hasattr(error, "__notes__") else {}
    return {"title": error.title, "errors": error.errors(include_url=False), **notes}


def _invalid_of(data: dict[str, Any]) -> ValidationError:
    kinds = get_args(core_schema.ErrorType)
    lines: list[Any] = [
        {
            **line,
            "type": line["type"]
            if line["type"] in kinds
            else PydanticCustomError(line["type"], line["msg"], line.get("ctx")),
        }
        for line in data["errors"]
    ]
    error = ValidationError.from_exception_data(data["title"], lines)
    for note in data.get("notes", ()):
        error.add_note(note)
    return error


register_codec(datetime, encode=_moment, decode=lambda data: _moment_of(datetime, data))
register_codec(time, encode=_moment, decode=lambda data: _moment_of(time, data))
register_codec(date, encode=date.isoformat, decode=date.fromisoformat)
register_codec(timedelta, encode=lambda v: [v.days, v.seconds, v.microseconds], decode=lambda data: timedelta(*data))
register_codec(timezone, encode=_offset, decode=lambda data: timezone(*data))
register_codec(TzInfo, encode=_clock, decode=lambda data: TzInfo(int(data)))
register_codec(Decimal, encode=str, decode=Decimal)
register_codec(UUID, encode=str, decode=UUID)
register_codec(complex, encode=lambda v: [v.real, v.imag], decode=lambda data: complex(*data))
register_codec(range, encode=lambda v: [v.start, v.stop, v.step], decode=lambda data: range(*data))
register_codec(deque, encode=lambda v: [list(v), v.maxlen], decode=lambda data: deque(*data))
register_codec(OrderedDict, encode=dict, decode=OrderedDict)
register_codec(re.Pattern, encode=lambda v: [v.pattern, v.flags], decode=lambda data: re.compile(*data))
register_codec(type(Path()), encode=str, decode=Path, name="pathlib:Path")
register_codec(PurePosixPath, encode=str, decode=PurePosixPath, name="pathlib:PurePosixPath")
register_codec(PureWindowsPath, encode=PurePath.as_posix, decode=PureWindowsPath, name="pathlib:PureWindowsPath")
register_codec(Fraction, encode=str, decode=Fraction)
register_codec(Counter, encode=dict, decode=Counter)
register_codec(defaultdict, encode=lambda v: [v.default_factory, dict(v)], decode=lambda data: defaultdict(*data))
register_codec(ValidationError, encode=_invalid, decode=_invalid_of, name="pydantic_core:ValidationError")
register_codec(Url, encode=str, decode=Url)
register_codec(MultiHostUrl, encode=str, decode=MultiHostUrl)
for _address in (IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network):
    register_codec(_address, encode=str, decode=_address)


def _register_zones() -> None:
    from zoneinfo import ZoneInfo

    def key(zone: ZoneInfo) -> str:
        if zone.key is None:
            raise TypeError("is a time zone that was read from a file and has no name")
        return zone.key

    register_codec(ZoneInfo, encode=key, decode=ZoneInfo)


def _register_pydantic_types() -> None:
    from pydantic import ByteSize, SecretBytes, SecretStr

    register_codec(SecretStr, encode=SecretStr.get_secret_value, decode=SecretStr)
    register_codec(SecretBytes, encode=SecretBytes.get_secret_value, decode=SecretBytes)
    register_codec(ByteSize, encode=int, decode=ByteSize)


def _register_pydantic_networks() -> None:
    from pydantic import NameEmail, networks

    register_codec(NameEmail, encode=lambda v: [v.name, v.email], decode=lambda data: NameEmail(*data))
    for cls in vars(networks).values():
        # The URL classes hold one of pydantic-core's; AnyUrl and its subclasses are classes since pydantic 2.10.
        if isinstance(cls, type) and hasattr(cls, "_constraints") and not cls.__name__.startswith("_"):
            register_codec(cls, encode=str, decode=cls)


register_later("zoneinfo", _register_zones)
register_later("pydantic.types", _register_pydantic_types)
register_later("pydantic.networks", _register_pydantic_networks)
