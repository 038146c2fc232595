"""The suite: it does not know how the stack is reached, or whether it is live."""

import pytest

pytestmark = pytest.mark.memo


@pytest.mark.parametrize("model", ["one/small", "two/large"])
def test_plain(client, model):
    answer = client.create(model=model, input="rings")
    assert answer.output_text.startswith(f"{model.partition('/')[2]} says rings (")
    assert answer.id == "resp_000000"


@pytest.mark.parametrize("model", ["one/small", "two/large"])
def test_streamed(client, model):
    events = list(client.stream(model=model, input="rings"))
    assert [event.type for event in events[:2]] == ["response.created", "response.output_text.delta"]
    assert len(events) == 6
    assert events[-1].response.output_text.startswith(f"{model.partition('/')[2]} says rings (")


@pytest.mark.parametrize(("question", "tool"), [("moons", "search"), ("orbits", "distance")])
@pytest.mark.parametrize("stream", [False, True])
def test_tools(client, stream, question, tool):
    body = {"model": "one/small", "input": question, "tools": [{"type": "web_search"}]}
    answer = list(client.stream(**body))[-1].response if stream else client.create(**body)
    call, said = answer.output
    assert (call.type, call.name) == ("mcp_call", tool)
    assert call.output in said.content[0].text


def test_identical_requests_have_answers_of_their_own(client):
    answers = [client.create(model="one/small", input="again") for _ in range(4)]
    assert len({answer.output_text for answer in answers}) == 4
    assert [answer.id for answer in answers] == [f"resp_00000{number}" for number in range(4)]


def test_background(client):
    answer = client.background(model="two/large", input="rings", tools=[{"type": "web_search"}])
    assert (answer.status, answer.output[0].name) == ("completed", "search")
