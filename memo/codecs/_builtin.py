"""Codecs of the standard library's and pydantic's value types.

What a codec decodes is as large as what was recorded: it takes lists, mappings and texts of the JSON alone, never
something that can be iterated for longer than it is long (a range, a network), and numbers within limits.
"""

from __future__ import annotations

import math
import re
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, UserString, defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from time import struct_time
from types import MappingProxyType, SimpleNamespace
from typing import Any, get_args
from uuid import UUID, SafeUUID

import orjson
from pydantic_core import MultiHostUrl, PydanticCustomError, TzInfo, Url, ValidationError, core_schema

from memo.codecs._shape import listed, mapping
from memo.codecs.registry import register_codec, register_later

__all__: list[str] = []

_MAX_EXPONENT = 999_999
"""The largest exponent of a Decimal, as in Python's default context: one of 10**9 would take a gigabyte as an integer."""
_INTEGER_RATIO = re.compile(r"-?[0-9]+(/[0-9]+)?")


def _of(kind: type, decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return `decode` for data of exactly that kind. Anything else raises TypeError, before it is iterated."""

    def checked(data: Any) -> Any:
        if type(data) is not kind:
            raise TypeError(f"is recorded as {type(data).__name__}, not {kind.__name__}")
        return decode(data)

    return checked


def _of_text(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return _of(str, decode)


def _of_list(decode: Callable[..., Any]) -> Callable[[Any], Any]:
    return _of(list, lambda data: decode(*data))


def _of_dict(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return _of(dict, decode)


def _bare(encode: Callable[[Any], Any], *held: str) -> Callable[[Any], Any]:
    """Return `encode` for instances without attributes of their own, which it would lose."""

    def checked(value: Any) -> Any:
        for name in value.__dict__:
            if name not in held:
                raise TypeError(f"has an attribute of its own, {name}")
        return encode(value)

    return checked


# Dates and times


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


def _struct_time_of(fields: Any, zone: Any, offset: Any) -> struct_time:
    return struct_time(listed(fields), {"tm_zone": zone, "tm_gmtoff": offset})


register_codec(datetime, encode=_moment, decode=lambda data: _moment_of(datetime, data))
register_codec(time, encode=_moment, decode=lambda data: _moment_of(time, data))
register_codec(date, encode=date.isoformat, decode=_of_text(date.fromisoformat))
register_codec(timedelta, encode=lambda v: [v.days, v.seconds, v.microseconds], decode=_of_list(timedelta))
register_codec(timezone, encode=_offset, decode=_of_list(timezone))
register_codec(TzInfo, encode=_clock, decode=lambda data: TzInfo(int(data)))
register_codec(struct_time, encode=lambda v: [[*v], v.tm_zone, v.tm_gmtoff], decode=_of_list(_struct_time_of))


# Numbers


def _decimal_of(text: str) -> Decimal:
    value = Decimal(text)
    if value.is_finite() and abs(value.adjusted()) > _MAX_EXPONENT:
        raise ValueError(f"has an exponent beyond {_MAX_EXPONENT:,}")
    return value


def _fraction(value: Fraction) -> Any:
    small = max(value.numerator.bit_length(), value.denominator.bit_length()) < 2000
    return str(value) if small else [value.numerator, value.denominator]


def _fraction_of(data: Any) -> Fraction:
    if type(data) is str and _INTEGER_RATIO.fullmatch(data):
        return Fraction(data)
    if type(data) is list and [type(part) for part in data] == [int, int]:
        return Fraction(*data)
    raise TypeError("is not a ratio of two integers")  # 1e9999999999 is a short text, and a huge fraction


register_codec(Decimal, encode=str, decode=_of_text(_decimal_of))
register_codec(Fraction, encode=_fraction, decode=_fraction_of)
register_codec(complex, encode=lambda v: [v.real, v.imag], decode=_of_list(complex))
register_codec(range, encode=lambda v: [v.start, v.stop, v.step], decode=_of_list(range))
register_codec(slice, encode=lambda v: [v.start, v.stop, v.step], decode=_of_list(slice))


# Containers


def _deque_of(items: list[Any], limit: int | None) -> deque[Any]:
    return deque(listed(items), limit)


def _defaultdict_of(factory: Any, items: dict[Any, Any]) -> defaultdict[Any, Any]:
    return defaultdict(factory, mapping(items))


def _chain_of(*maps: Any) -> ChainMap[Any, Any]:
    if not all(isinstance(part, Mapping) for part in maps):
        raise TypeError("holds something else than mappings")
    return ChainMap(*maps)


def _with_data(cls: Any, data: Any) -> Any:
    """Return a UserDict, UserList or UserString of that data."""
    value = cls.__new__(cls)
    value.data = data
    return value


register_codec(deque, encode=lambda v: [list(v), v.maxlen], decode=_of_list(_deque_of))
register_codec(OrderedDict, encode=_bare(dict), decode=_of_dict(OrderedDict))
register_codec(Counter, encode=_bare(dict), decode=_of_dict(Counter))
register_codec(defaultdict, encode=lambda v: [v.default_factory, dict(v)], decode=_of_list(_defaultdict_of))
register_codec(ChainMap, encode=_bare(lambda v: v.maps, "maps"), decode=_of_list(_chain_of))
register_codec(MappingProxyType, encode=dict, decode=_of_dict(MappingProxyType))
register_codec(SimpleNamespace, encode=vars, decode=_of_dict(lambda data: SimpleNamespace(**data)))
register_codec(UserDict, encode=_bare(lambda v: v.data, "data"), decode=_of_dict(lambda v: _with_data(UserDict, v)))
register_codec(UserList, encode=_bare(lambda v: v.data, "data"), decode=_of(list, lambda v: _with_data(UserList, v)))
register_codec(UserString, encode=_bare(lambda v: v.data, "data"), decode=_of_text(lambda v: _with_data(UserString, v)))


# Texts


def _uuid(value: UUID) -> Any:
    return str(value) if value.is_safe is SafeUUID.unknown else [str(value), value.is_safe.value]


def _uuid_of(data: Any) -> UUID:
    if type(data) is str:
        return UUID(data)
    text, safety = listed(data)
    return UUID(text, is_safe=SafeUUID(safety))


register_codec(UUID, encode=_uuid, decode=_uuid_of)
register_codec(type(Path()), encode=str, decode=_of_text(Path), name="pathlib:Path")
register_codec(PurePosixPath, encode=str, decode=_of_text(PurePosixPath), name="pathlib:PurePosixPath")
register_codec(
    PureWindowsPath, encode=PurePath.as_posix, decode=_of_text(PureWindowsPath), name="pathlib:PureWindowsPath"
)
register_codec(Url, encode=str, decode=_of_text(Url))
register_codec(MultiHostUrl, encode=str, decode=_of_text(MultiHostUrl))
for _address in (IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network):
    register_codec(_address, encode=str, decode=_of_text(_address))


def _pattern_of(pattern: Any, flags: int) -> re.Pattern[Any]:
    if flags & re.DEBUG:
        raise ValueError("has the flag DEBUG, which prints")
    return re.compile(pattern, flags)


register_codec(re.Pattern, encode=lambda v: [v.pattern, v.flags], decode=_of_list(_pattern_of))


# pydantic's errors


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
        for line in listed(data["errors"])
    ]
    error = ValidationError.from_exception_data(data["title"], lines)
    error.args = ()  # as those that validation raises
    for note in listed(data.get("notes", [])):
        error.add_note(note)
    return error


register_codec(ValidationError, encode=_invalid, decode=_of_dict(_invalid_of), name="pydantic_core:ValidationError")


# Modules that are imported for their values only when one is met


def _register_zones() -> None:
    from zoneinfo import ZoneInfo

    def key(zone: ZoneInfo) -> str:
        if zone.key is None:
            raise TypeError("is a time zone that was read from a file and has no name")
        return zone.key

    register_codec(ZoneInfo, encode=key, decode=_of_text(ZoneInfo))


def _register_pydantic_types() -> None:
    from pydantic import ByteSize, Secret, SecretBytes, SecretStr

    register_codec(SecretStr, encode=SecretStr.get_secret_value, decode=_of_text(SecretStr))
    register_codec(SecretBytes, encode=SecretBytes.get_secret_value, decode=SecretBytes)

    def secret(value: Any) -> str:
        """Return what a secret holds as text, which a mask can replace."""
        held = value.get_secret_value()
        if type(held) not in (int, float, str, bool, list, dict, type(None)):
            raise TypeError(f"holds a secret of the type {type(held).__name__}")
        return orjson.dumps(held).decode()

    def secret_of(content: str) -> Any:
        try:
            return Secret(orjson.loads(content))
        except orjson.JSONDecodeError:  # a mask
            return Secret(content)

    register_codec(Secret, encode=secret, decode=_of_text(secret_of))
    register_codec(ByteSize, encode=int, decode=_of(int, ByteSize))


def _register_pydantic_networks() -> None:
    from pydantic import NameEmail, networks

    register_codec(NameEmail, encode=lambda v: [v.name, v.email], decode=_of_list(NameEmail))
    for cls in vars(networks).values():
        # The URL classes hold one of pydantic-core's; AnyUrl and its subclasses are classes since pydantic 2.10.
        if isinstance(cls, type) and hasattr(cls, "_constraints") and not cls.__name__.startswith("_"):
            register_codec(cls, encode=str, decode=_of_text(cls))


def _register_processes() -> None:
    from subprocess import CompletedProcess

    names = ("args", "returncode", "stdout", "stderr")
    encode = _bare(lambda value: [getattr(value, name) for name in names], *names)
    register_codec(CompletedProcess, encode=encode, decode=_of_list(CompletedProcess))


def _register_namespaces() -> None:
    from argparse import Namespace

    def made(held: dict[str, Any]) -> Namespace:
        value = Namespace()
        value.__dict__.update(held)
        return value

    register_codec(Namespace, encode=vars, decode=_of_dict(made))


def _register_arrays() -> None:
    from array import array

    register_codec(array, encode=lambda v: [v.typecode, v.tolist()], decode=_of_list(_array_of))


def _array_of(typecode: str, items: Any) -> Any:
    from array import array

    return array(typecode, items if typecode == "u" and type(items) is str else listed(items))


register_later("zoneinfo", _register_zones)
register_later("pydantic.types", _register_pydantic_types)
register_later("pydantic.networks", _register_pydantic_networks)
register_later("array", _register_arrays)
register_later("subprocess", _register_processes)
register_later("argparse", _register_namespaces)
