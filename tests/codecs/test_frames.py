"""What pandas, polars and numpy have beside frames and arrays: exact, or refused with a fix."""

import pytest

import memo
from memo.codecs import dumps, loads
from memo.errors import MemoError, UnrecordableValue

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")
pl = pytest.importorskip("polars")

INDEXES = {
    "int": lambda: pd.Index([1, 2]), "text": lambda: pd.Index(["a", None], name="k"), "float": lambda: pd.Index([1.5, float("nan")]), "small": lambda: pd.Index(np.array([1], dtype="i1")), "bool": lambda: pd.Index([True, False]),
    "nothing": lambda: pd.Index([]), "objects": lambda: pd.Index([1, "a", True, (1,)], dtype=object, tupleize_cols=False), "nullable": lambda: pd.Index([1, None], dtype="Int64"), "string": lambda: pd.Index(["a"], dtype="string"), "tuple as name": lambda: pd.Index([1], name=("a", 1)),
    "range": lambda: pd.RangeIndex(0, 10, 2, name=5), "large range": lambda: pd.RangeIndex(10**9), "days": lambda: pd.date_range("2020", periods=3, freq="D"), "hours": lambda: pd.date_range("2020", periods=3, freq="h", tz="Europe/Paris", name="t"),
    "moments": lambda: pd.DatetimeIndex(["2020-01-01", None]), "seconds": lambda: pd.date_range("2020", periods=3, unit="s"), "months": lambda: pd.date_range("2020", periods=3, freq="MS"), "spans": lambda: pd.timedelta_range("1h", periods=3), "periods": lambda: pd.period_range("2020-01", periods=3, freq="M"),
    "intervals": lambda: pd.interval_range(0, 3, closed="both"), "categories": lambda: pd.CategoricalIndex(["a", "b", "a"], categories=["c", "b", "a"], ordered=True), "levels": lambda: pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["x", None]),
    "unused levels": lambda: pd.MultiIndex.from_product([[1, 2], pd.date_range("2020", periods=2)], names=[("a", 1), "d"])[:2], "missing code": lambda: pd.MultiIndex.from_tuples([(1, None), (None, "b")]),
}  # fmt: skip


def told(index):
    """Everything that an index says of itself."""
    levels = (
        [told(level) for level in index.levels] + [code.tolist() for code in index.codes]
        if isinstance(index, pd.MultiIndex)
        else []
    )
    values = [(type(value), str(value)) for value in index[:9]]
    return (
        type(index),
        index.dtype,
        [(type(name), name) for name in index.names],
        getattr(index, "freq", None),
        values,
        len(index),
        levels,
    )


@pytest.mark.parametrize("name", INDEXES)
def test_indexes_come_back_exact(name):
    value = INDEXES[name]()
    assert told(loads(dumps([value]))[0]) == told(value)


@pytest.mark.parametrize(
    "value",
    [
        pd.Categorical(["a", None, "b"], categories=["b", "a", "c"], ordered=True), pd.Categorical([1, 2]), pd.array([1, None], dtype="Int64"), pd.array(["a", None], dtype="string"), pd.array([True, None], dtype="boolean"),
        pd.array(pd.date_range("2020", periods=2, tz="UTC")), pd.arrays.IntervalArray.from_breaks([0, 1, 2]), pd.array(pd.period_range("2020", periods=2, freq="D")), pd.array([1.5, None], dtype="Float64"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_arrays_of_pandas_come_back_exact(value):
    back = loads(dumps([value]))[0]
    assert (type(back), back.dtype, repr(back)) == (type(value), value.dtype, repr(value))


@pytest.mark.parametrize(
    "value", [pd.Period("2020-01", freq="M"), pd.Period("2020-01-01 05:00", freq="h"), pd.Interval(0, 1.5, closed="both"), pd.Interval(pd.Timestamp("2020"), pd.Timestamp("2021"))]
)  # fmt: skip
def test_periods_and_intervals_come_back(value):
    back = loads(dumps([value]))[0]
    assert (type(back), back, repr(back)) == (type(value), value, repr(value))


def test_the_steps_of_columns_are_kept():
    columns = pd.date_range("2020", periods=2, freq="D")
    frame = pd.DataFrame([[1, 2]], columns=columns)
    assert loads(dumps(frame)).columns.freq == columns.freq
    assert loads(dumps(frame.T)).index.freq == columns.freq


def test_polars_keeps_what_it_knows_of_the_order():
    for series in (
        pl.Series("s", [1, 2]).set_sorted(),
        pl.Series("s", [2, 1]).set_sorted(descending=True),
        pl.Series("s", [1]),
    ):
        assert loads(dumps(series)).flags == series.flags
    frame = pl.DataFrame({"a": [1, 2], "b": [5, 4]}).with_columns(pl.col("a").set_sorted())
    assert loads(dumps(frame)).flags == frame.flags
    assert loads(dumps(frame)).columns == frame.columns


@pytest.mark.parametrize("query", [lambda: pl.DataFrame({"a": [1]}).lazy(), lambda: {"a": [pl.LazyFrame()]}])
def test_a_query_says_how_to_record_its_result(query):
    with pytest.raises(UnrecordableValue, match=r"is a query that has not run.*\n.*query.collect\(\)"):
        dumps(query())


async def test_a_query_among_the_arguments_is_an_error_of_memos(tmp_path):
    @memo.recordable(name="tests.query")
    async def asked(query):
        return 1

    with pytest.raises(MemoError), memo.recording(tmp_path, mode="record"):
        await asked(pl.LazyFrame())


@pytest.mark.parametrize(
    "value",
    [
        np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1.5, 2], mask=False), np.ma.array([1, 2]), np.ma.array([1, 2], mask=[0, 1], fill_value=7, hard_mask=True), np.ma.array([[1, 2]], mask=[[1, 0]], dtype="u1"),
        np.ma.array([(1, 2.5)], mask=[(1, 0)], dtype=[("a", "i4"), ("b", "f8")]), np.ma.array(["a"], mask=[1]),
    ],
)  # fmt: skip
def test_masked_arrays_come_back_exact(value):
    back = loads(dumps([value]))[0]
    assert (type(back), back.dtype, repr(back), back.hardmask) == (
        type(value),
        value.dtype,
        repr(value),
        value.hardmask,
    )
    assert (back.mask is np.ma.nomask) == (value.mask is np.ma.nomask)
    assert repr(back.fill_value) == repr(value.fill_value)
    assert back.data.tobytes() == value.data.tobytes()
    assert loads(dumps([np.ma.masked]))[0] is np.ma.masked


@pytest.mark.parametrize(
    "form",
    [
        '{"__type__":"pandas:Index","value":{"names":[null],"range":[0,5]}}', '{"__type__":"pandas:RangeIndex","value":{"names":"x","range":[0,5,1]}}', '{"__type__":"pandas:MultiIndex","value":{"names":[],"levels":[[1]],"codes":[[5]]}}',
        '{"__type__":"pandas:Index","value":[]}', '{"__type__":"pandas:Categorical","value":5}', '{"__type__":"pandas:Period","value":["x","M"]}', '{"__type__":"pandas:Interval","value":[1]}', '{"__type__":"numpy.ma:MaskedArray","value":{"data":1}}',
        '{"__type__":"polars:LazyFrame","value":{}}',
    ],
)  # fmt: skip
def test_damaged_forms_are_errors(form):
    with pytest.raises(MemoError):
        loads(form)
