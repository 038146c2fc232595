"""Trust: what a file may name, and that nothing is imported, called or built before it is known."""

import importlib
import subprocess
import sys
import types
from dataclasses import dataclass
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from memo._values.kinds import class_name
from memo.codecs import dumps, loads
from memo.codecs.items import Items
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import DataMismatch, MemoError, TypeNotFound, UntrustedType


class Model(BaseModel):
    a: int = 1

    class Nested(BaseModel):
        b: int = 1


armed = False  # pytest looks at everything in a module while it collects


@pytest.fixture(autouse=True, scope="module")
def arm():
    global armed  # noqa: PLW0603
    armed = True
    yield
    armed = False


class Tempting(type):
    def __getattr__(cls, name):
        if armed:
            raise SystemExit(f"metaclass __getattr__({name}) ran")
        raise AttributeError(name)


class Bait(metaclass=Tempting):
    pass


class TupleBait(tuple, metaclass=Tempting):
    __slots__ = ()


class Proxy:
    @property
    def __class__(self):
        if armed:
            raise SystemExit("__class__ ran")
        return Proxy


proxy = Proxy()
HERE = Model.__module__


def named(name):
    return f'{{"__type__": "{name}", "value": {{}}, "args": [], "exact": {{}}, "name": "x"}}'


@pytest.mark.parametrize(
    "name",
    [
        "os:system", "os.system", "posix:system", "subprocess:Popen", "builtins:eval", "builtins:exec", "builtins:type", "builtins:object", "builtins:open", "object", "type",
        "antigravity:fly", "this:s", "idlelib.idle:x", "nowhere_at_all:Thing", "json.tool:main", "pytest.__main__:x", "pydantic.__main__:x", "ctypes:CDLL", "ctypes.util:find_library",
        "pathlib:Path.home", "importlib:import_module", "os:path.join", "os:environ", "functools:partial", "types:FunctionType", "threading:Thread", "socket:socket", "socket:socket.socket",
        f"{HERE}:Bait", f"{HERE}:TupleBait", f"{HERE}:proxy", f"{HERE}:proxy.x", f"{HERE}:named", f"{HERE}:HERE", f"{HERE}:f.<locals>.X", f"{HERE}:Model.model_validate",
        f"{HERE}:Model.__init__", f"{HERE}:Model.__class__", f"{HERE}:named.__globals__", f"{HERE}:Bait.anything", f"{HERE}:sys.exit", f"{HERE}:importlib.import_module",
        "typing:Any", "typing:Union", "typing:Union[int,str]", "typing:Literal[1]", "types:UnionType", "list[int]", "dict[str,int]",
    ],
)  # fmt: skip
def test_refuses_what_is_no_data_type(name):
    with pytest.raises((UntrustedType, TypeNotFound)):
        loads(named("nowhere:Nothing"))  # which loads the codecs of the packages that other tests have imported
    before = set(sys.modules)
    for text in (named(name), f"[{named(name)}]", f'{{"a": {named(name)}}}'):
        with pytest.raises((UntrustedType, TypeNotFound)):
            loads(text)
    with pytest.raises((UntrustedType, TypeNotFound)):
        list(Items({"of": name, "items": [{}]}, Values(Types())))
    with pytest.raises((UntrustedType, TypeNotFound)):
        Values(Types()).reader({"__type__": name, "value": {}})()
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    "name",
    [
        "", ":", "a:", ":a", "a.", ".a", "..", "[", "]", ",", "int[", "int]", "list[]", "list[int", "list[int]]", "list[int,]", "list[,int]", "list[int]x", "list[int][int]", '"a"', '"', 'int"',
        "int[int]", "typing:Literal[", "typing:Literal[x]", 'typing:Literal["a]', "typing:Literal[]", "typing:Union[]", "types:UnionType[int", "types:UnionType[1]", " int", "int ", "a:b:c",
        "\x00", "pydantic.\x00:x", "pydantic..main:BaseModel", "pydantic.:x", "é:é", f"{HERE}:", f"{HERE}:.", f"{HERE}:Model.", f"{HERE}:Model..Nested", f"{HERE}:Model[int]", f"{HERE}:Gone",
        f"{HERE}:Model.Gone", f"{HERE}.Gone:X", "list[" * 2000 + "int" + "]" * 2000, "pydantic." * 300 + "x:y", "typing:Literal[1.5.5]", "None[int]",
    ],
)  # fmt: skip
def test_refuses_malformed_names_and_names_of_nothing(name):
    with pytest.raises((UntrustedType, TypeNotFound)):
        Types().resolve(name)


PIECES = st.sampled_from([*'[],:." \\\x00', "int", "list", "dict", "None", "typing:Literal", "typing:Union", "types:UnionType", "typing:Any", "os", "system", "pydantic", HERE, "Model",
                          "Nested", "Bait", "__main__", "<locals>", "builtins", "1", '"a"', "true", "é", "\ud800", "object", "__dict__"])  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=30))
def test_a_name_is_resolved_or_refused(name):
    try:
        Types().resolve(name)
    except (UntrustedType, TypeNotFound):
        pass


@pytest.mark.parametrize("name", [5, None, [], {}, True, 1.5], ids=repr)
def test_a_name_that_is_no_text_is_refused(name):
    with pytest.raises(TypeNotFound):
        Types().resolve(name)
    with pytest.raises(MemoError):
        Values(Types()).decode({"__type__": name, "value": 1})
    with pytest.raises(MemoError):
        Values(Types()).reader({"__type__": name, "value": 1})()


def package(folder, name, source, sub=""):
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(source)
    (folder / name / "models.py").write_text(
        "from pydantic import BaseModel\nclass Thing(BaseModel):\n    a: int = 1\n" + sub
    )


def test_a_package_is_imported_only_if_it_is_trusted(tmp_path, monkeypatch):
    package(tmp_path, "memo_far", "")
    monkeypatch.syspath_prepend(tmp_path)
    data = '{"__type__": "memo_far.models:Thing", "value": {"a": 2}}'
    with pytest.raises(UntrustedType, match="has not imported"):
        loads(data)
    assert not [name for name in sys.modules if name.startswith("memo_far")]
    try:
        assert loads(data, trust=["memo_far"]).a == 2
        assert loads(data).a == 2
        assert loads('{"__type__": "memo_far.models.Thing", "value": {"a": 3}}').a == 3
        with pytest.raises(TypeNotFound):
            loads('{"__type__": "memo_far.gone:Thing", "value": {}}')
        (tmp_path / "memo_far" / "broken.py").write_text("raise SystemError('at import')")
        with pytest.raises(TypeNotFound, match="at import"):
            loads('{"__type__": "memo_far.broken:Thing", "value": {}}', trust=["memo_far"])
        (tmp_path / "memo_far" / "__main__.py").write_text("raise SystemExit('ran')")
        with pytest.raises(UntrustedType):
            loads('{"__type__": "memo_far.__main__:Thing", "value": {}}')
        thing = loads(data)
        data = dumps(thing)
        del sys.modules["memo_far.models"].Thing
        with pytest.raises(TypeNotFound, match="Thing"):
            loads(data)
    finally:
        for name in [name for name in sys.modules if name.startswith("memo_far")]:
            del sys.modules[name]


def test_a_modules_getattr_does_not_run(tmp_path, monkeypatch):
    package(tmp_path, "memo_lazy", "def __getattr__(name):\n    raise SystemExit('ran')\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("memo_lazy")
    try:
        with pytest.raises(TypeNotFound):
            loads(named("memo_lazy:Anything"))
    finally:
        del sys.modules["memo_lazy"]


def test_a_class_is_found_under_its_own_name_only():
    assert class_name(Model) == f"{HERE}:Model"
    assert Types().resolve(f"{HERE}:Model.Nested") is Model.Nested
    assert Types().resolve(f"{HERE}.Model.Nested") is Model.Nested
    assert Types().resolve("None") is types.NoneType


def test_a_class_that_its_name_does_not_lead_to_is_refused():
    impostor = type("Model", (BaseModel,), {"__module__": HERE, "__qualname__": "Model"})
    with pytest.raises(MemoError, match="leads to"):
        dumps(impostor())


class Color(Enum):
    RED = 1


@dataclass
class Data:
    a: int


@pytest.mark.parametrize(
    "tree",
    [
        '{"__type__": 5}', '{"__type__": null}', '{"__type__": []}', '{"__type__": {}}', '{"__type__":"int"}', '{"__type__":"dict","value":[[[],1]]}', '{"__type__":"dict","value":5}',
        '{"__type__":"datetime:timedelta","value":["a"]}', '{"__type__":"datetime:timedelta","value":[1e308]}', '{"__type__":"list"}', '{"__type__":"list","of":"int","items":[[]]}',
        '{"__type__":"list","of":5,"items":[1]}', '{"__type__":"list","of":[],"items":[1]}', '{"__type__":"list","items":5}', '{"__type__":"int","value":"' + "9" * 5000 + '"}',
        '{"__type__":"int","value":null}', '{"__type__":"float","value":"x"}', '{"__type__":"bytes"}', '{"__type__":"bytes","base64":"é"}', '{"__type__":"bytes","base64":"a"}',
        '{"__type__":"str","value":"\\\\x"}', '{"__type__":"str","value":"é"}', '{"__type__":"set","value":[[]]}', '{"__type__":"tuple","value":5}', '{"__type__":"type","value":5}',
        '{"__type__":"re:Pattern","value":["(",0]}', '{"__type__":"re:Pattern","value":["' + "(" * 3000 + '",0]}', '{"__type__":"zoneinfo:ZoneInfo","value":"../x"}',
        '{"__type__":"decimal:Decimal","value":"x"}', '{"__type__":"uuid:UUID","value":"x"}', '{"__type__":"pydantic_core:ValidationError","value":{}}',
        f'{{"__type__":"{HERE}:Model"}}', f'{{"__type__":"{HERE}:Model","value":5}}', f'{{"__type__":"{HERE}:Model","exact":5}}', f'{{"__type__":"{HERE}:Model","exact":{{"a":1}},"set":[[]]}}',
        f'{{"__type__":"{HERE}:Color","value":9}}', f'{{"__type__":"{HERE}:Color","name":"x"}}', f'{{"__type__":"{HERE}:Color","name":[]}}', f'{{"__type__":"{HERE}:Data","value":[]}}',
        f'{{"__type__":"{HERE}:Data","value":{{}}}}', f'{{"__type__":"{HERE}:Data"}}', '{"__type__":"builtins:ValueError"}', '{"__type__":"builtins:ValueError","args":5}',
        '{"__type__":"builtins:OSError","args":[],"attributes":{"errno":[],"characters_written":"x"}}', '{"__type__":"builtins:ExceptionGroup","args":[]}', '{"__type__":"httpx:Response","value":{}}',
        '{"__type__":"pydantic.main:BaseModel","value":{}}', '{"__type__":"pydantic:BaseModel","value":{}}', '{"__type__":"list","of":"pydantic.main:BaseModel","items":[{}]}',
    ],
    ids=lambda tree: tree[:40],
)  # fmt: skip
def test_hostile_data_is_refused(tree):
    with pytest.raises(MemoError):
        loads(tree)


def test_data_cannot_change_what_an_object_is():
    got = loads(
        f'{{"__type__":"{HERE}:Data","value":{{"a":1}},"attributes":{{"__class__":{{"__type__":"type","value":"{HERE}:Color"}}}}}}'
    )
    assert type(got) is Data


@pytest.mark.parametrize(
    "around",
    [
        "[%s]",
        '{"a":%s}',
        '{"__type__":"tuple","value":[%s]}',
        '{"__type__":"json","value":%s}',
        '{"__type__":"list","items":[%s]}',
    ],
)
@pytest.mark.parametrize("depth", [200, 500, 1000, 3000])
def test_data_nested_deep_is_read_or_refused(around, depth):
    text = "1"
    for _ in range(depth):
        text = around.replace("%s", text) if len(text) < 10**7 else text
    try:
        loads(text)
    except DataMismatch:
        pass


TAGS = ["int", "float", "str", "bytes", "bytearray", "dict", "list", "tuple", "set", "frozenset", "json", "type", "datetime:datetime", "datetime:time", "datetime:date", "datetime:timedelta",
        "datetime:timezone", "zoneinfo:ZoneInfo", "decimal:Decimal", "uuid:UUID", "collections:deque", "builtins:complex", "complex", "builtins:range", "re:Pattern", "pathlib:Path", "os:system",
        "pydantic.types:SecretStr", "pydantic_core._pydantic_core:Url", "pydantic_core:ValidationError", "collections:Counter", "collections:defaultdict", "httpx:Response", "httpx2:Request",
        f"{HERE}:Model", f"{HERE}:Color", f"{HERE}:Data", f"{HERE}:Bait", "builtins:OSError", "builtins:UnicodeDecodeError", "builtins:ExceptionGroup", "builtins:StopIteration"]  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(TAGS)
)
KEYS = st.sampled_from(["__type__", "value", "exact", "set", "missing", "extra", "private", "attributes", "args", "notes", "left_out", "items", "of", "name", "a", "errno", "base64", "text", "wall",
                        "zone", "fold", "status_code", "headers", "request", "method", "url", "title", "errors"])  # fmt: skip


def tagged(children):
    return st.builds(
        lambda tag, rest: {**rest, "__type__": tag},
        st.sampled_from(TAGS),
        st.dictionaries(KEYS.filter("__type__".__ne__), children, min_size=1, max_size=4),
    )


TREES = st.recursive(
    LEAVES,
    lambda each: (
        st.lists(each, max_size=3)
        | st.dictionaries(KEYS, each, max_size=3)
        | tagged(each)
        | tagged(st.lists(each, max_size=3))
    ),
    max_leaves=12,
)


@given(TREES)
def test_any_json_gives_a_value_or_an_error_of_memos(tree):
    values = Values(Types())
    for act in (
        lambda: values.decode(tree),
        lambda: values.reader(tree)(),
        lambda: list(Items({"of": f"{HERE}:Model", "items": [tree]}, values)),
    ):
        try:
            act()
        except MemoError:
            pass


def test_a_name_of_the_standard_library_loads_no_codecs_of_a_package_that_exports_it():
    program = """
import sys, polars
from memo.codecs.types import Types
from memo.codecs.values import Values
from memo.errors import TypeNotFound, UntrustedType

assert polars.Any
try:
    Values(Types()).decode({"__type__": "typing:Any", "value": {}})
except (TypeNotFound, UntrustedType):
    print(sorted(name for name in sys.modules if name.startswith(("polars.testing", "memo.codecs._packages.p"))))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
