"""`memo show`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from memo.cli._found import StoreOption, find
from memo.cli._output import Json, print_cropped, print_error, print_heading, print_json, print_line
from memo.cli._plain import Shown, lines, members, shown
from memo.cli._text import age, size
from memo.errors import MemoError

if TYPE_CHECKING:
    from memo._recordings.document import Document

__all__ = ["show"]


def show(
    recording: Annotated[
        str, typer.Argument(metavar="KEY|FILE", help="The first characters of a key, or a recording's file.")
    ],
    *,
    store: StoreOption = None,
    raw: Annotated[bool, typer.Option("--raw", help="Write the stored bytes.")] = False,
    json: Json = False,
) -> int:
    """Show a recording: the call, then its outcomes.

    The text of a stream is shown as a whole, followed by the items; an error is shown as Python would raise it; a long row
    of numbers is summarized. No type is needed for this, and nothing is imported.

    Exit codes: 0, 1 if the recording is damaged, 2 if no recording matches, or more than one.
    """
    found = find(recording, store)
    if raw:
        if sys.stdout.isatty():
            print_line(found.data.decode(errors="backslashreplace"))
        else:
            sys.stdout.buffer.write(found.data)
        return 0
    try:
        document = found.document()
        outcomes = [shown(outcome) for outcome in document.outcomes]
    except MemoError as error:
        print_error(f"memo: {error}")
        print_error(f"memo show --raw shows what is there ({size(len(found.data))})")
        return 1
    if json:
        print_json({**document.tree(), "outcomes": outcomes, "location": found.location, "size": len(found.data)})
        return 0
    _print_call(document, found.location, len(found.data))
    for number, outcome in enumerate(outcomes, 1):
        print_line()
        _print_outcome(outcome, f"outcome {number} of {len(outcomes)}", document.outcomes[number - 1])
    return 0


def _print_call(document: Document, location: str, bytes_: int) -> None:
    from memo.maintenance.entries import recorded_at

    print_heading(document.function)
    about = {
        "key": document.key,
        "version": document.version,
        "recorded": f"{document.recorded_at or 'at an unknown time'} ({age(recorded_at(document))} ago)",
        "test": document.test,
        "inside": document.parent,
        "watched": ", ".join(document.watched) or None,
        "stored": f"{location} ({size(bytes_)})",
    }
    for name, value in about.items():
        if value is not None:
            print_line(f"  {name:<9} {value}")
    print_line()
    print_heading("call")
    for line in members(document.arguments, 2):
        print_line(line)


def _print_outcome(outcome: Shown, title: str, stored: dict[str, Any]) -> None:
    print_heading(f"{title}: {_summary(outcome, stored.get('calls', 1))}")
    for name in ("test", "redacted"):
        if name in outcome:
            print_line(f"  {name}: {outcome[name] if name == 'test' else ', '.join(map(str, outcome[name]))}")
    match outcome["kind"]:
        case "value":
            _indented(outcome["value"])
        case "error":
            _print_error(outcome)
        case _:
            _print_stream(outcome, stored["stream"])


def _summary(outcome: Shown, calls: int) -> str:
    """Return an outcome in a few words: `stream of 12 ChatCompletionChunk, complete, 3 calls, 1.5 s`."""
    kind, type_ = outcome["kind"], outcome.get("type") or ""
    if kind == "stream":
        text = f"stream of {len(outcome['items']):,} {type_ or 'items'}, {_ending(outcome)}"
    else:
        text = f"{kind} {type_}" if kind == "value" and type_ else kind
    if calls != 1:
        text += f", {calls} calls"
    if "seconds" in outcome:
        text += f", {outcome['seconds']:.3g} s"
    return text


def _print_error(outcome: Shown) -> None:
    for line in outcome["raised"].split("\n"):
        print_line(f"  {line}")
    attributes = outcome["attributes"]
    if "message" in attributes and str(attributes["message"]) in outcome["raised"]:
        del attributes["message"]  # shown in the line above
    for line in members(attributes, 2):
        print_line(line)


def _print_stream(outcome: Shown, stored: Any) -> None:
    for name in ("thinking", "text"):
        if name in outcome:
            print_line(f"  {name}:")
            for line in outcome[name].split("\n"):
                print_line(f"    {line}")
    for call in outcome.get("tool_calls", ()):
        print_line(f"  tool call: {call}")
    for name in ("returned", "response"):
        if name in outcome:
            print_line(f"  {name}:")
            _indented(outcome[name], 4)
    if not isinstance(stored, dict) or not isinstance(stored.get("items"), list):
        return
    _print_items(stored["items"], stored.get("base"))
    if "raised" in outcome:
        print_line(f"  then raised {outcome['raised']}")


def _print_items(items: list[Any], base: Any) -> None:
    print_line("  items:" if not base else "  items, without what most of them have in common:")
    if base:
        print_cropped(f"    {orjson.dumps(base).decode()}")
    for number, item in enumerate(items):
        print_cropped(f"    {number:>{len(str(len(items)))}}  {orjson.dumps(item).decode()}")


def _ending(outcome: Shown) -> str:
    ends = {"complete": "complete", "closed": "left by its consumer", "error": "then an error"}
    return ends.get(str(outcome["end"]), f"of the unknown end {outcome['end']!r}")


def _indented(node: Any, indent: int = 2) -> None:
    for line in lines(node, indent):
        print_line(line)
