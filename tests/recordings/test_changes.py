"""Changes between a recorded outcome and a new one: each in its tier, at its place."""

import json
from typing import Any

import pytest

import memo as package
from memo._recordings.changes import Rules, Tier, parse_tiers
from memo._recordings.outcome_changes import compare
from memo.errors import InvalidOption

ANSWER = {"id": "a1", "created": 1, "usage": {"total": 3}, "choices": [{"index": 0, "text": "hi", "logprobs": None}]}


def value(**changed: Any) -> dict[str, Any]:
    return {"value": {"__type__": "app:Answer", "value": {**ANSWER, **changed}}, "seconds": 0.1}


def stream(*items: Any, end: str = "complete", **more: Any) -> dict[str, Any]:
    return {"stream": {"of": "app:Chunk", "items": list(items), "end": end, **more}}


def error(name: str = "app:NotFound", status: int = 404, **body: Any) -> dict[str, Any]:
    body = {"message": "no", "code": "not_found", **body}
    return {"error": {"__type__": name, "args": ["no"], "attributes": {"status_code": status, "body": body}}}


def without(tree: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: part for key, part in tree.items() if key != name}


START, TEXT, MORE, END = (
    {"id": "c", "delta": {"role": "assistant", "text": ""}, "finish": None},
    {"id": "c", "delta": {"text": "Sat"}, "finish": None},
    {"id": "c", "delta": {"text": "urn"}, "finish": None},
    {"id": "c", "delta": {}, "finish": "stop"},
)
STREAM = stream(START, TEXT, MORE, END)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (value(), value(), []),
        (value(), value(id="b2", created=2), [("value", "id"), ("value", "created")]),
        (value(), value(extra=1), [("added", "extra")]),
        (value(extra=1), value(), [("removed", "extra")]),
        (value(), value(usage={"total": 3, "more": {"x": 1}}), [("added", "usage.more")]),
        (value(), value(usage={}), [("removed", "usage.total")]),
        (value(), value(usage={"total": "3"}), [("type", "usage.total")]),
        (value(), value(usage=None), [("type", "usage")]),
        (value(), value(created=1.5), [("value", "created")]),
        (value(), value(created=True), [("type", "created")]),
        (value(), value(id=None), [("value", "id")]),
        (value(), value(choices=[]), [("value", "choices")]),
        (value(), value(choices=[{"index": 0, "text": "hi"}]), [("removed", "choices[*].logprobs")]),
        (value(), value(choices=[{**ANSWER["choices"][0], "text": "ho"}]), [("value", "choices[0].text")]),
        (value(), value(choices=ANSWER["choices"] * 2), [("value", "choices")]),
        (value(choices=[{"type": "text"}]), value(choices=[{"type": "text"}, {"type": "tool"}]), [("added", "choices[*]"), ("value", "choices")]),
        (value(choices=[{"type": "text"}, {"type": "tool"}]), value(choices=[{"type": "text"}]), [("removed", "choices[*]"), ("value", "choices")]),
        (value(choices=[{"type": "text"}]), value(choices=[{"type": 1}]), [("type", "choices[*].type")]),
        (value(choices=[{"a": 1}, {"a": 1, "b": 2}]), value(choices=[{"a": 1}, {"a": 1}]), []),
        (value(), {"value": {"__type__": "app:Other", "value": ANSWER}}, [("type", "")]),
        (value(), {"value": {"__type__": "moved:Answer", "value": ANSWER}}, []),
        (value(), {"value": {"__type__": "app:Answer", "exact": {**ANSWER, "x": None}, "set": [*ANSWER]}}, []),
        (value(), error(), [("error", "")]),
        (error(), value(), [("error", "")]),
        (error(), error(), []),
        (error(), error(message="never"), [("value", "error.body.message")]),
        (error(), error(code="gone"), [("error", "error.body.code")]),
        (error(), error(more=1), [("error", "error.body.more")]),
        (error(), error(status=400), [("error", "error.status_code")]),
        (error(), error("app:Busy", 429), [("error", "error.class"), ("error", "error.status_code")]),
        (STREAM, STREAM, []),
        (STREAM, stream(START, MORE, TEXT, TEXT, END), [("value", "[*].delta.text")]),
        (STREAM, stream(*({**item, "id": "d"} for item in (START, TEXT, MORE, END))), [("value", "[*].id")]),
        (STREAM, stream(*({**item, "new": 1} for item in (START, TEXT, MORE, END))), [("added", "[*].new")]),
        (STREAM, stream(*(without(item, "id") for item in (START, TEXT, MORE, END))), [("removed", "[*].id")]),
        (STREAM, stream(START, {**TEXT, "delta": {}}, END), [("stream", ""), ("value", "[*].delta.text")]),
        (STREAM, stream(*({**item, "id": 7} for item in (START, TEXT, MORE, END))), [("type", "[*].id")]),
        (STREAM, stream(TEXT, MORE, START, END), [("stream", "")]),
        (STREAM, stream(END, START, TEXT, MORE), [("stream", "")]),
        (STREAM, stream(START, TEXT, MORE), [("stream", "")]),
        (stream(START, TEXT, end="closed"), STREAM, []),
        (stream(START, TEXT, end="closed"), stream(TEXT, START, END), [("stream", "")]),
        (STREAM, stream(START, TEXT, end="error", error=error()["error"]), [("error", "")]),
        (STREAM, value(), [("stream", "")]),
    ],
)  # fmt: skip
def test_a_change_is_found_in_its_tier(before: Any, after: Any, found: list[tuple[str, str]]):
    assert [(change.tier, change.path) for change in compare([before], after)] == found


def test_the_recorded_outcome_that_is_most_like_the_new_one_counts():
    assert compare([value(status="waiting"), value()], value()) == []
    assert [change.path for change in compare([error(), value(id="b")], value())] == ["id"]


def test_what_is_ignored_is_no_change():
    changed = value(usage={}, choices=[{"index": "0", "text": "hi", "logprobs": None}])
    assert len(compare([value()], changed)) == 2
    assert compare([value()], changed, Rules.of(["usage", "choices[*].index"])) == []
    one, other = stream(START), stream(without(START, "id"))
    assert compare([one], other, Rules.of(["[*].id"])) == []


def test_numbers_that_are_near_are_equal():
    one, other = value(score=0.5, row=[1.0, 2.0]), value(score=0.5001, row=[1.0, 2.0001])
    assert [change.path for change in compare([one], other)] == ["score", "row"]
    assert compare([one], other, Rules.of(tolerance=0.001)) == []


def test_an_http_response_is_compared_by_its_status_and_the_json_of_its_body():
    def response(status: int, body: str) -> dict[str, Any]:
        return {"value": {"__type__": "httpx:Response", "value": {"status_code": status, "headers": {}, "body": body}}}

    one = response(200, '{"a": 1, "b": 2}')
    assert [(c.tier, c.path) for c in compare([one], response(200, '{"a": 1}'))] == [("removed", "body.b")]
    assert [(c.tier, c.path) for c in compare([one], response(500, "no"))] == [("error", "status_code")]
    events = response(200, 'data: {"a": 1}\n\ndata: [DONE]\n\n')
    assert [c.path for c in compare([events], response(200, 'data: {"a": "1"}\n\ndata: [DONE]\n\n'))] == ["body[*].a"]


def test_tiers_are_read():
    assert parse_tiers("removed, type", "--fail-on") == {Tier.REMOVED, Tier.TYPE}
    assert parse_tiers("none", "--fail-on") == frozenset()
    with pytest.raises(InvalidOption, match=r"'remved'.*did you mean 'removed'"):
        parse_tiers("remved", "--fail-on")


def test_an_invalid_path_is_refused():
    with pytest.raises(InvalidOption, match="--ignore"):
        Rules.of(["usage["])


def test_headers_of_what_presets_record_do_not_count():
    google = {"headers": {"Date": "a", "Server": "b"}, "body": {"n": 1}, "form": "compact"}
    other = {"headers": {"date": "c"}, "body": {"n": 1}, "form": "compact"}
    assert compare([{"value": google}], {"value": other}) == []
    assert (
        compare([{"stream": {"items": [google], "end": "complete"}}], {"stream": {"items": [other], "end": "complete"}})
        == []
    )
    http = {"status": 200, "headers": {"a": "1"}, "body": "x"}
    assert compare([{"value": http}], {"value": {**http, "headers": {"b": "2"}}}) == []
    (change,) = compare([{"value": http}], {"value": {**http, "status": 404, "body": "y"}})
    assert (change.tier, change.path, change.before, change.after) == ("error", "status", 200, 404)
    assert compare([{"value": {"headers": {"a": "1"}, "rows": []}}], {"value": {"headers": {}, "rows": []}})


def test_an_object_in_several_places_is_compared_as_if_it_were_in_one():
    shared = json.loads(package.dumps(twice({"n": 1})))
    apart = json.loads(package.dumps([{"n": 1}, {"n": 1}]))
    assert shared != apart
    assert compare([{"value": shared}], {"value": apart}) == []
    assert compare([{"value": apart}], {"value": json.loads(package.dumps(twice({"n": 2})))})


def twice(value: Any) -> list[Any]:
    return [value, value]


def held(tree: Any) -> dict[str, Any]:
    return {"value": {"__type__": "bytes", "text": json.dumps(tree)}}


def events(*trees: Any) -> dict[str, Any]:
    return stream(*(line for tree in trees for line in (f"data: {json.dumps(tree)}", "")), "data: [DONE]")


def test_the_json_in_bytes_and_in_server_sent_events_is_compared_by_its_fields():
    changed = {**without(ANSWER, "created"), "id": "a2"}
    for made in (held, events):
        assert compare([made(ANSWER)], made(ANSWER)) == []
        found = {(change.tier, change.path.removeprefix("[*].")) for change in compare([made(ANSWER)], made(changed))}
        assert found == {(Tier.REMOVED, "created"), (Tier.VALUE, "id")}
    lines = stream("data: no JSON", "")
    assert [change.tier for change in compare([lines], stream("data: no JSON at all", ""))] == [Tier.VALUE]
    assert [change.tier for change in compare([{"value": '{"a": 1}'}], {"value": "{}"})] == [
        Tier.VALUE
    ]  # generated text
