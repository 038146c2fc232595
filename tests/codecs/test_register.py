"""Codecs that users register."""

import pytest

from memo.codecs import dumps, loads, register_codec
from memo.codecs.registry import codec_of
from memo.errors import DataMismatch, UnrecordableValue


class Unknown:
    def __init__(self, x, y=0):
        self.x, self.y = x, y


class Lossy(Unknown):
    pass


def test_a_registered_codec_teaches_a_type():
    register_codec(Unknown, encode=lambda v: {"x": v.x}, decode=lambda data: Unknown(data["x"]))
    assert loads(dumps([Unknown((1,))]))[0].x == (1,)
    assert codec_of(Unknown) is not None

    class Below(Unknown):
        pass

    with pytest.raises(UnrecordableValue):
        dumps(Below(1))


def test_a_codec_that_loses_something_is_found_out():
    register_codec(Lossy, encode=lambda v: [v.x, v.y], decode=lambda data: Lossy(data[0]))
    dumps(Lossy(1))
    with pytest.raises(UnrecordableValue, match="not come back equal"):
        dumps(Lossy(1, 2))
    register_codec(Lossy, encode=lambda v: 1 / 0, decode=Lossy)
    with pytest.raises(UnrecordableValue, match="division"):
        dumps([Lossy(1, 2)])
    register_codec(Lossy, encode=lambda v: v.x, decode=lambda data: 1 / 0)
    with pytest.raises(UnrecordableValue, match="division"):
        dumps([Lossy(1, 2)])
    with pytest.raises(DataMismatch, match="division"):
        loads(b'{"__type__": "%s", "value": 1}' % f"{Lossy.__module__}:Lossy".encode())


class Shape:
    def __init__(self, sides):
        self.sides = sides


class Square(Shape):
    pass


class Polygon:
    def __init__(self, sides):
        self.sides = sides


class Triangle(Polygon):
    pass


@register_codec(encode=lambda shape: shape.sides, decode=lambda sides, cls: cls(sides), subclasses=True)
class Drawn:
    def __init__(self, sides):
        self.sides = sides

    def __eq__(self, other):
        return type(self) is type(other) and self.sides == other.sides

    __hash__ = None


class Circle(Drawn):
    pass


@register_codec(encode=vars, decode=lambda data: Own(**data))
class Own(Drawn):
    def __init__(self, sides, color="red"):
        super().__init__(sides)
        self.color = color


def test_a_codec_may_hold_for_subclasses():
    for value in (Drawn(3), Circle(1), [Circle(2), Drawn([Circle(5)])], Own(4, "blue")):
        assert loads(dumps(value)) == value
    assert b":Circle" in dumps(Circle(1))
    assert loads(dumps(Own(4, "blue"))).color == "blue"
    with pytest.raises(UnrecordableValue):
        dumps(Square(4))


def test_and_identifies_calls_by_them():
    from memo._calls.call import Call

    keys = {Call.of("f", {"x": value}).key for value in (Drawn(3), Circle(3), Circle(4), Own(3), Own(3, "blue"))}
    assert len(keys) == 5


def test_a_codec_of_subclasses_that_gives_the_base_is_found_out():
    register_codec(Polygon, encode=lambda shape: shape.sides, decode=lambda sides, cls: Polygon(sides), subclasses=True)
    assert loads(dumps(Polygon(3))).sides == 3
    with pytest.raises(UnrecordableValue):
        dumps(Triangle(3))


def test_names_that_moved_warn():
    import memo.codecs

    for name in ("Items", "Packer", "codec_of", "MAX_DEPTH"):
        with pytest.warns(DeprecationWarning, match=name):
            getattr(memo.codecs, name)
    with pytest.raises(AttributeError, match="nothing"):
        memo.codecs.nothing  # noqa: B018 - asked for
