"""Values of packages that memo does not need: exact, or refused; and never a reason to import one."""

import subprocess
import sys

import pytest

import memo
from memo.codecs import dumps, loads
from memo.errors import MemoError, UnrecordableValue

np = pytest.importorskip("numpy")
HERE = __name__


def same_arrays(a, b):
    return (
        type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes(order="A") == b.tobytes(order="A")
        and a.flags.f_contiguous == b.flags.f_contiguous and a.flags.c_contiguous == b.flags.c_contiguous and a.flags.writeable
    )  # fmt: skip


ARRAYS = [
    np.array([1, 2, 3]), np.array([[1.5, -0.0], [np.nan, np.inf]]), np.asfortranarray(np.arange(6).reshape(2, 3)), np.arange(24).reshape(2, 3, 4)[::2, 1:, ::-1], np.array(5), np.array([]), np.empty((0, 3)),
    np.array([1, 2], dtype=">i2"), np.array([True, False]), np.array(["a", "éé"]), np.array([b"a", b"\xff"]), np.array([1 + 2j]), np.array(["2020-01-01", "NaT"], dtype="M8[us]"), np.array([5], dtype="m8[h]"),
    np.array([(1, 2.5, "x")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U3")]), np.zeros(2, dtype=[("a", "i4", (2,)), ("b", [("c", "u1")])]), np.zeros(3, dtype=np.float16), np.array([1.5], dtype=np.longdouble),
    np.array([""]), np.frombuffer(b"\x01\x00\xc0\x7f", dtype="<f4").copy(), np.zeros(2, dtype={"names": ["a", "b"], "formats": ["u1", "f8"], "offsets": [0, 8], "itemsize": 16}),
]  # fmt: skip
SCALARS = [
    np.float64(1.5), np.float64("nan"), np.float32(-0.0), np.int8(-5), np.uint64(2**64 - 1), np.bool_(True), np.str_("é"), np.str_(""), np.bytes_(b"\xff"), np.complex64(1j), np.datetime64("2020-01-01"),
    np.timedelta64(5, "s"), np.longdouble("1.1"), np.float16(2), np.datetime64("NaT"), np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")])[0],
]  # fmt: skip


@pytest.mark.parametrize("value", ARRAYS, ids=lambda value: f"{value.dtype} {value.shape}")
def test_arrays_come_back_exact(value):
    back = loads(dumps({"a": [value]}))["a"][0]
    assert same_arrays(back, value if value.flags.forc else value.copy())


@pytest.mark.parametrize("value", SCALARS, ids=repr)
def test_scalars_come_back_exact(value):
    back = loads(dumps([value]))[0]
    assert type(back) is type(value)
    assert back.dtype == value.dtype
    assert back.tobytes() == value.tobytes()


def test_arrays_of_objects_come_back_item_by_item():
    value = np.empty((2, 2), dtype=object)
    value[:] = [[1, "a"], [(1, 2), None]]
    back = loads(dumps(value))
    assert back.dtype == object
    assert back.tolist() == value.tolist()


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(1).view(np.recarray),
        np.zeros(2, dtype=np.dtype([("a", "u1"), ("b", "f8")], align=True)),
        np.rec.array([(1,)], dtype=[("a", "i4")]),
        np.array(["a"], dtype=np.dtypes.StringDType()),
    ],
    ids=lambda v: type(v).__name__,
)
def test_other_kinds_of_arrays_are_refused(value):
    with pytest.raises(UnrecordableValue, match="register_codec"):
        dumps({"a": value})


def test_dtypes_are_values_too():
    for dtype in (np.dtype("f8"), np.dtype(">i2"), np.dtype([("a", "i4"), ("b", "U3")])):
        assert loads(dumps([dtype])) == [dtype]
    assert loads(dumps(np.float64)) is np.float64


@pytest.mark.parametrize(
    "form",
    [
        '{"dtype":"<f8","shape":[1000000000],"order":"C","data":{"__type__":"bytes","text":"12345678"}}', '{"dtype":"<U0","shape":[1000000000],"order":"C","data":{"__type__":"bytes","text":""}}',
        '{"dtype":"|O","shape":[1000000000],"order":"C","items":[]}', '{"dtype":"|O","shape":[1],"order":"C","items":"x"}', '{"dtype":"|O","shape":[1],"order":"C","data":{"__type__":"bytes","text":"12345678"}}',
        '{"dtype":"x","shape":[],"order":"C","data":""}', '{"dtype":[["a"]],"shape":[1],"order":"C","data":{"__type__":"bytes","text":"a"}}', "[]", "5", '{"dtype":"<f8","shape":[-1],"order":"C","data":5}',
        '{"dtype":"<f8","shape":{"__type__":"builtins:range","value":[0,1000000000,1]},"order":"C","data":{"__type__":"bytes","text":""}}', '{"dtype":[["a","V99999999999"]],"shape":[1],"order":"C","data":{"__type__":"bytes","text":""}}',
    ],
)  # fmt: skip
def test_harmful_arrays_are_refused(form):
    with pytest.raises(MemoError):
        loads(f'{{"__type__":"numpy:ndarray","value":{form}}}')


live = []
TWO = np.float32(2)


@memo.recordable(name="tests.embed")
async def embed(array, *, scale=TWO):
    live.append(array)
    return array * scale


async def test_arrays_identify_a_call_and_are_its_result(tmp_path):
    live.clear()
    one, other = np.arange(3.0), np.arange(3.0)[::-1]
    for mode in ("record", "replay"):
        with memo.recording(tmp_path, mode=mode):
            assert (await embed(one)).tolist() == [0, 2, 4]
            assert (await embed(other)).tolist() == [4, 2, 0]
            assert (await embed(np.arange(3.0).astype("f4"))).dtype == "f4"
    assert len(live) == 3


def test_no_data_imports_a_package():
    program = """
import sys
from memo import loads, MemoError
for name in ("numpy:ndarray", "numpy:float64", "pandas:DataFrame", "polars:Series", "msgspec:Struct", "PIL.Image:Image", "numpy.dtypes:Float64DType"):
    try:
        loads('{"__type__":"%s","value":[]}' % name)
    except MemoError:
        pass
    else:
        raise SystemExit(name)
assert not {"numpy", "pandas", "polars", "msgspec", "PIL"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def frames(pd):
    days = pd.date_range("2020-01-01", periods=2, tz="Europe/Paris")
    yield pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.5, float("nan")]})
    yield pd.DataFrame(
        {"a": pd.Series([1, None], dtype="Int64"), "d": days, "e": pd.Categorical(["x", "y"])},
        index=pd.Index(["p", "q"], name="key"),
    )
    yield pd.DataFrame()
    yield pd.DataFrame({"a": [1, 2]}, index=days)
    yield pd.DataFrame({("a", 1): [1], ("a", 2): [2]})
    yield (
        pd.DataFrame({"l": [[1, 2], []]})
        if False
        else pd.DataFrame({"flag": [True, False], "n": np.array([1, 2], dtype="u1")})
    )


def test_pandas_comes_back_exact_or_is_refused():
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    for frame in frames(pd):
        back = loads(dumps([frame]))[0]
        pd.testing.assert_frame_equal(back, frame, check_exact=True, check_freq=False)
    for value in (pd.Series([1, 2], name="s"), pd.Series(["a", None]), pd.Series([1.5], index=["k"], name=("a", 1))):
        pd.testing.assert_series_equal(loads(dumps({"s": value}))["s"], value, check_exact=True)
    for value in (
        pd.Timestamp("2020-01-01"),
        pd.Timestamp("2020-10-25 02:30").tz_localize("Europe/Paris", ambiguous=False),
        pd.Timestamp(1, unit="ns"),
        pd.Timedelta("1 day 3 ns"),
        pd.Timedelta(5, unit="s"),
    ):
        back = loads(dumps([value]))[0]
        assert (type(back), back, back.unit, getattr(back, "tz", None)) == (
            type(value),
            value,
            value.unit,
            getattr(value, "tz", None),
        )
    assert loads(dumps([pd.NaT, pd.NA]))[0] is pd.NaT
    for refused in (
        pd.DataFrame({"a": [1, "x"]}),
        pd.DataFrame({"a": [object()]}),
        pd.DataFrame({"a": [(1, 2)]}),
    ):
        with pytest.raises(UnrecordableValue):
            dumps({"a": refused})
    for data in ('"x"', "5", '{"__type__":"bytes","text":"abc"}', "[]"):
        with pytest.raises(MemoError):
            loads(f'{{"__type__":"pandas:DataFrame","value":{data}}}')


def test_polars_comes_back_exact_or_is_refused():
    pl = pytest.importorskip("polars")
    from polars.testing import assert_frame_equal, assert_series_equal

    frame = pl.DataFrame(
        {"a": [1, None], "b": ["x", "y"], "c": [[1], []], "d": [{"k": 1}, {"k": None}]}, schema_overrides={"a": pl.Int8}
    )
    assert_frame_equal(loads(dumps([frame]))[0], frame, check_exact=True)
    assert_frame_equal(loads(dumps([pl.DataFrame()]))[0], pl.DataFrame())
    assert_frame_equal(
        loads(dumps(pl.DataFrame({"t": ["x", "y"]}, schema={"t": pl.Enum(["x", "y"])}))),
        pl.DataFrame({"t": ["x", "y"]}, schema={"t": pl.Enum(["x", "y"])}),
    )
    for series in (pl.Series("s", [1.5, None]), pl.Series([True])):
        assert_series_equal(loads(dumps([series]))[0], series, check_exact=True)
    with pytest.raises(UnrecordableValue):
        dumps(frame.lazy())
    for data in ('"x"', '{"__type__":"bytes","text":"abc"}'):
        with pytest.raises(MemoError):
            loads(f'{{"__type__":"polars:DataFrame","value":{data}}}')


attrs = pytest.importorskip("attrs")
msgspec = pytest.importorskip("msgspec")


@attrs.define
class Slotted:
    a: int
    b: list = attrs.field(factory=list)


@attrs.frozen
class Frozen:
    a: Slotted
    _private: int = 1


@attrs.define(slots=False)
class Open:
    a: int = attrs.field(converter=str)


class Struct(msgspec.Struct):
    a: int
    b: tuple[int, ...] = ()


class Tagged(msgspec.Struct, frozen=True, kw_only=True, tag="t"):
    x: Struct
    y: float = 1.5


class Loose(msgspec.Struct, dict=True):
    a: int = 1

    def __post_init__(self):
        self.a += 1


def test_attrs_and_msgspec_classes_come_back_equal():
    for value in (Slotted(1, [2]), Frozen(Slotted(1), 5), Open(5), [Slotted(1)]):
        assert loads(dumps(value)) == value
    extra = Open(1)
    extra.more = (1,)
    assert loads(dumps(extra)).more == (1,)
    loose = Loose(5)
    loose.note = {1}
    for value in (Struct(1, (2,)), Tagged(x=Struct(3)), loose):
        back = loads(dumps([value]))[0]
        assert type(back) is type(value)
        assert back == value
    assert loads(dumps(loose)).note == {1}
    with pytest.raises(MemoError):
        loads(f'{{"__type__":"{HERE}:Struct","value":[{{"gone":1}},{{}}]}}')
    with pytest.raises(MemoError):
        loads(f'{{"__type__":"{HERE}:Slotted","value":{{"gone":1}}}}')


def test_images_come_back_with_their_pixels():
    image_module = pytest.importorskip("PIL.Image")
    import io

    made = image_module.new("RGB", (3, 2), (1, 2, 3))
    palette = made.convert("P")
    alpha = image_module.new("RGBA", (2, 2), (1, 2, 3, 4))
    bits = image_module.new("1", (9, 3), 1)
    for image in (made, palette, alpha, bits, image_module.new("L", (0, 0)), image_module.new("F", (1, 1), 1.5)):
        image.info["dpi"] = (72, 72)
        back = loads(dumps([image]))[0]
        assert type(back) is type(image)
        assert (back.mode, back.size, back.tobytes(), back.info) == (
            image.mode,
            image.size,
            image.tobytes(),
            image.info,
        )
        assert back.convert("RGBA").tobytes() == image.convert("RGBA").tobytes()
    for form in ("PNG", "JPEG", "BMP"):
        buffer = io.BytesIO()
        made.save(buffer, form)
        opened = image_module.open(io.BytesIO(buffer.getvalue()))
        back = loads(dumps(opened))
        assert type(back) is type(opened)
        assert (back.format, back.mode, back.tobytes(), back.info) == (
            opened.format,
            opened.mode,
            opened.tobytes(),
            opened.info,
        )
        back.resize((1, 1)).save(io.BytesIO(), "PNG")
    with pytest.raises(MemoError):
        loads(
            '{"__type__":"PIL.Image:Image","value":{"mode":"L","size":[100000,100000],"data":{"__type__":"bytes","text":""},"info":{},"attributes":{}}}'
        )
