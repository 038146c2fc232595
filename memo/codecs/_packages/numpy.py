"""numpy: arrays, scalars and dtypes, exact in dtype, shape, order and bytes."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

from memo.codecs._shape import listed, mapping, text
from memo.codecs.registry import register_codec

__all__: list[str] = []

np: Any = import_module("numpy")


def _dtype_form(dtype: Any) -> Any:
    if dtype.metadata:
        raise TypeError(f"has a dtype with metadata ({dtype.metadata}), which numpy does not write")
    form = np.lib.format.dtype_to_descr(dtype)
    again: Any = np.lib.format.descr_to_dtype(form) if dtype.kind != "T" else None
    if again != dtype or again.isalignedstruct != dtype.isalignedstruct:
        raise TypeError(f"has the dtype {dtype}, which numpy does not write exactly")
    return _lists(form)


def _dtype_of(form: Any) -> Any:
    return np.lib.format.descr_to_dtype(_tuples(form))


def _array(value: Any) -> dict[str, Any]:
    order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
    form = {"dtype": _dtype_form(value.dtype), "shape": list(value.shape), "order": order}
    if not value.flags.writeable:
        form["writeable"] = False
    if value.dtype.hasobject:
        if value.dtype.kind != "O":
            raise TypeError("has fields that hold objects")
        return {**form, "items": list(value.ravel(order=order))}
    return {**form, "data": value.tobytes(order=order)}


def _array_of(form: Any) -> Any:
    form = mapping(form)
    shape, dtype, order = tuple(listed(form["shape"])), _dtype_of(form["dtype"]), text(form["order"])
    if dtype.hasobject:
        items = listed(form["items"])
        made = np.empty(len(items), dtype="O")
        for index, item in enumerate(items):
            made[index] = item
        made = made.reshape(shape, order=order)
    else:
        made = _filled(np.empty(_bounded(shape, dtype, form["data"]), dtype, order=order), form["data"], order)
    made.flags.writeable = form.get("writeable") is not False
    return made


def _bounded(shape: Any, dtype: Any, data: Any) -> Any:
    """Return the shape. Raises for one that is larger than the data, before memory is taken for it."""
    size = math.prod(length if type(length) is int and length >= 0 else -1 for length in shape)
    if (
        type(data) is not bytes
        or not 0 <= size <= len(data) + 1
        or (dtype.itemsize and size * dtype.itemsize != len(data))
    ):
        raise ValueError("has data that do not fit its shape")
    return shape


def _filled(made: Any, data: bytes, order: str) -> Any:
    """Return the array with these bytes. Assigning values would leave the padding between fields as it is."""
    if data and made.size:
        made.reshape(-1, order=order).view(np.uint8)[:] = np.frombuffer(data, np.uint8)
    return made


def _scalar(value: Any) -> list[Any]:
    if value.dtype.hasobject:
        raise TypeError("holds objects")
    return [_dtype_form(value.dtype), value.tobytes()]


def _scalar_of(data: Any, cls: type) -> Any:
    form, content = listed(data)
    dtype = _dtype_of(form)
    made = _filled(np.zeros(_bounded((), dtype, content), dtype), content if dtype.itemsize else b"", "C")[()]
    if type(made) is not cls:
        raise TypeError(f"is a {type(made).__name__}")
    return made


def _masked(value: Any) -> dict[str, Any]:
    if set(vars(value)) - _OF_MASKED or value._basedict or value._baseclass is not np.ndarray:
        raise TypeError("has attributes of its own, or another base than an array")
    mask = None if value.mask is np.ma.nomask else value.mask
    fill = value._fill_value
    return {"data": value.data, "mask": mask, "fill": fill, "hard": value.hardmask}


def _masked_of(form: Any) -> Any:
    form = mapping(form)
    mask = np.ma.nomask if form["mask"] is None else form["mask"]
    made = np.ma.MaskedArray(form["data"], mask=mask, hard_mask=form["hard"] is True)
    if form["fill"] is not None:
        made.fill_value = form["fill"]
    return made


_OF_MASKED = {"_basedict", "_baseclass", "_fill_value", "_hardmask", "_isfield", "_optinfo", "_sharedmask", "_mask"}

register_codec(np.ma.MaskedArray, encode=_masked, decode=_masked_of, name="numpy.ma:MaskedArray")
register_codec(
    type(np.ma.masked), encode=lambda _: None, decode=lambda _: np.ma.masked, name="numpy.ma.core:MaskedConstant"
)
register_codec(np.ndarray, encode=_array, decode=_array_of, name="numpy:ndarray")
register_codec(np.generic, encode=_scalar, decode=_scalar_of, subclasses=True)
register_codec(np.dtype, encode=_dtype_form, decode=lambda form, cls: _dtype_of(form), subclasses=True)


def _lists(form: Any) -> Any:
    return [_lists(part) for part in form] if isinstance(form, list | tuple) else form


def _tuples(form: Any) -> Any:
    """Return what `descr_to_dtype` takes: a list of tuples, or a tuple of a dtype and a shape."""
    if type(form) is not list:
        return form
    if (
        form
        and type(form[0]) is str
        and len(form) == 2
        and type(form[1]) is list
        and all(type(n) is int for n in form[1])
    ):
        return form[0], tuple(form[1])
    return [tuple(_field(part) for part in field) for field in map(listed, form)]


def _field(part: Any) -> Any:
    if type(part) is list and part and all(type(number) is int for number in part):
        return tuple(part)  # a shape
    if type(part) is list and len(part) == 2 and all(type(name) is str for name in part):
        return tuple(part)  # a title and a name
    return _tuples(part)
