"""PIL: images of one frame, by their pixels."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from memo.codecs._shape import listed, mapping, text
from memo.codecs.registry import register_codec

__all__: list[str] = []

image_module: Any = import_module("PIL.Image")
palette_module: Any = import_module("PIL.ImagePalette")
_IMAGE = frozenset({"_im", "im", "_mode", "mode", "_size", "size", "palette", "info", "_readonly", "readonly"})
_PLAIN = (str, int, float, bool, tuple, dict, list, bytes, type(None))


def _image(value: Any) -> dict[str, Any]:
    value.load()
    if getattr(value, "is_animated", False):
        raise TypeError("has several frames")
    form = {"mode": value.mode, "size": list(value.size), "data": value.tobytes(), "info": dict(value.info)}
    if value.palette is not None:
        form["palette"] = [value.palette.mode, bytes(value.palette.getdata()[1])]
    # What a file's image has beside its pixels, but for the file.
    form["attributes"] = {
        name: item
        for name, item in sorted(vars(value).items())
        if name not in _IMAGE and type(item) in _PLAIN and not name.startswith("_exif") and name != "tile"
    }
    return form


def _image_of(form: Any, cls: Any) -> Any:
    form = mapping(form)
    width, height = listed(form["size"])
    data = form["data"]
    if type(data) is not bytes or width * height > 8 * len(data) + 8:
        raise ValueError("is larger than what is recorded of it")
    pixels = image_module.frombytes(text(form["mode"]), (width, height), data)
    if "palette" in form:
        mode, colors = listed(form["palette"])
        pixels.putpalette(colors, mode)
        pixels.load()  # which gives the colors to the pixels
        pixels.palette = palette_module.ImagePalette(mode, colors)
    pixels.info = mapping(form["info"])
    if cls is image_module.Image:
        return pixels
    value = object.__new__(cls)
    value.__dict__.update({**vars(pixels), "fp": None, "tile": [], **mapping(form["attributes"])})
    return value


register_codec(image_module.Image, encode=_image, decode=_image_of, subclasses=True)
