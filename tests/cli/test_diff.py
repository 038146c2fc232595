"""`memo diff`: two recordings, or two stores."""

import shutil

import pytest

CHUNKS = "4ed12ee443e4d1a5a2f6a1b0140a5b8d"


def value(**fields):
    return {"value": {"__type__": "app:Answer", "value": fields}}


def test_nothing_differs(memo, real):
    assert "no difference" in memo("diff", CHUNKS, CHUNKS, "--store", real).out
    assert memo("diff", CHUNKS, CHUNKS, "--store", real, "--json").json["differences"] == {}
    assert "no difference in 5 recordings" in memo("diff", real, real).out


def test_when_and_how_fast_is_no_difference(memo, write):
    one = write("app.f", {"value": 1, "seconds": 1.0, "test": "a"}, x=1)
    other = write("app.f", {"value": 1, "seconds": 2.0}, x=1, store="other", recorded_at="2026-09-09T09:09:09Z")
    memo("diff", one, other)


def test_how_items_are_packed_is_no_difference(memo, write):
    item = {"__type__": "app:T", "value": {"id": "a", "text": "b"}}
    packed = {"of": "app:T", "base": {"id": "a", "text": None}, "items": [{"text": "b"}], "end": "complete"}
    one = write("app.f", {"stream": {"items": [item], "end": "complete"}}, x=1)
    other = write("app.f", {"stream": packed}, x=1, store="other")
    memo("diff", one, other)


EXACT = {"n": "many", "s": "x", "when": {"__type__": "datetime", "value": "2026-01-02"}}
PLAIN = {"n": 1, "s": "x", "when": "2026-01-02"}


@pytest.mark.parametrize("place", ["value", "inside", "items"])
def test_a_field_of_another_type_is_shown_as_a_field(memo, write, place):
    def outcome(tree):
        if place == "items":
            return {"stream": {"items": [tree, tree], "end": "complete"}}
        return {"value": tree if place == "value" else {"__type__": "tuple", "value": [tree]}}

    before, after = ({"__type__": "app:A", **form} for form in ({"value": PLAIN}, {"exact": EXACT}))
    one = write("app.f", outcome(before), x=1)
    other = write("app.f", outcome(after), x=1, store="other")
    lines = memo("diff", one, other, code=1).out.splitlines()[3:]
    assert all(line.endswith("n: 1 → 'many'") for line in lines), lines
    assert len(lines) == (2 if place == "items" else 1)
    back = memo("diff", other, one, code=1).out.splitlines()[3:]
    assert all(line.endswith("n: 'many' → 1") for line in back), back
    same = write("app.f", outcome({**after, "exact": {**EXACT, "n": 1}}), x=1, store="third")
    assert memo("diff", one, same, code=1).out  # another form with the same fields is a difference, too


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("0f", "no recording in {real} has a key that begins with '0f' (memo ls --function NAME lists keys)"),
        ("app.f/0", "no recording in {real} has a key that begins with 'app.f/0' (memo ls --function NAME lists keys)"),
        ("zzz", "there is no file 'zzz', and no key begins with it (memo ls --function NAME lists keys)"),
    ],
)
def test_a_name_that_no_recording_has(memo, real, named, says):
    assert memo("diff", named, CHUNKS, "--store", real, code=2).err == f"memo: {says.format(real=real)}\n"


def test_the_call_and_the_outcomes(memo, write):
    one = write("app.f", value(text="Saturn", n=1), {"value": 1}, question="Which?", days=3)
    other = write("app.g", value(text="Saturn", n=1.0), question="Which one?", days=3)
    out = memo("diff", one, other, code=1).out.splitlines()
    assert out[0].startswith("--- ")
    assert out[2:] == [
        "call",
        "function: 'app.f' → 'app.g'",
        "question: 'Which?' → 'Which one?'",
        "outcome 1",
        "value.n: 1 → 1.0",
        "outcome 2",
        '(everything): removed {"value":1}',
    ]
    tree = memo("diff", one, other, "--json", code=1).json
    assert tree["differences"]["outcome 1"] == [{"path": "value.n", "before": 1, "after": 1.0}]


def test_the_text_of_a_stream_comes_first_and_what_all_items_say_once(memo, real, tmp_path):
    file = next(real.glob(f"*/{CHUNKS}.json"))
    other = tmp_path / "other.json"
    other.write_text(file.read_text().replace("rec-42fc91568f64", "rec-1").replace(" prominent", " lovely"))
    out = memo("diff", file, other, code=1).out.splitlines()[2:]
    assert out[0] == "outcome 1"
    assert out[1].startswith("text: ")
    assert "[-prominent-]{+lovely+}" in out[1]
    assert out[2] == "stream.items[*].id: 'rec-42fc91568f64' → 'rec-1'"
    assert len(out) == 4


def test_no_more_lines_than_asked_for(memo, write):
    one = write("app.f", {"value": {f"k{n}": n for n in range(200)}}, x=1)
    other = write("app.f", {"value": {f"k{n}": n + 1 for n in range(200)}}, x=1, store="other")
    out = memo("diff", one, other, "--lines", "10", code=1).out.splitlines()
    assert out[-1] == "… and 191 more"
    assert len(out) == 2 + 1 + 10


def test_two_stores(memo, real, tmp_path, write):
    other = shutil.copytree(real, tmp_path / "other")
    file = next(other.glob(f"*/{CHUNKS}.json"))
    file.write_text(file.read_text().replace("Saturn", "Jupiter"))
    next(other.glob("openai.embeddings/*.json")).unlink()
    write("app.f", store="other", x=1)
    out = memo("diff", real, other, code=1).out
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == "FUNCTION SAME OTHER OUTCOMES ONLY IN A ONLY IN B".split()
    assert ["app.f", "0", "0", "0", "1"] in rows
    assert ["openai.chat.completions", "2", "1", "0", "0"] in rows
    assert ["openai.embeddings", "0", "0", "1", "0"] in rows
    assert f"{CHUNKS[:12]}  openai.chat.completions  other outcomes" in out
    states = [each["state"] for each in memo("diff", real, other, "--json", code=1).json["differences"]]
    assert states == ["other outcomes", "only in A", "only in B"]


def test_an_edited_call_is_found_again(memo, write, tmp_path):
    def ask(store, question, n):
        messages = [{"role": "system", "content": "You are brief."}, {"role": "user", "content": question}]
        write("app.ask", store=store, messages=messages, model="gpt-4o", n=n)

    ask("store", "What is the wheather?", 1)
    ask("store", "How high is the Eiffel tower?", 2)
    ask("other", "What is the weather?", 1)
    ask("other", "How high is the Eiffel Tower?", 2)
    write("app.other", store="store", x=1)
    write("app.other", store="other", y="nothing similar")
    out = memo("diff", tmp_path / "store", tmp_path / "other", code=1).out
    assert out.count("became") == 2
    assert "messages[1].content: 'What is the wheather?' → 'What is the weather?'" in out
    assert "'How high is the Eiffel tower?' → 'How high is the Eiffel Tower?'" in out
    tree = memo("diff", tmp_path / "store", tmp_path / "other", "--json", code=1).json
    assert [each["differences"][0]["path"] for each in tree["edited"]] == ["messages[1].content"] * 2


def test_damage_is_trouble(memo, damaged, real):
    store, says = damaged
    done = memo("diff", store, store, code=2)
    assert all(name in done.err for name in says)
    sound = next(real.rglob("*.json"))
    assert "not valid JSON" in memo("diff", sound, store / "app.f" / f"{'0' * 32}.json", code=2).err


@pytest.mark.parametrize("other", ["nothing.json", "ffff", ""])
def test_what_is_not_there(memo, real, other):
    memo("diff", CHUNKS, other, "--store", real, code=2)


def test_a_store_and_a_recording(memo, real):
    assert "is not a directory" in memo("diff", real, next(real.rglob("*.json")), code=2).err
    assert "nowhere does not exist" in memo("diff", real, "nowhere", code=2).err
