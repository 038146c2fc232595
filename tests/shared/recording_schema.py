"""The JSON Schema of a recording, and what does not fit it."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema

SCHEMA = json.loads(files("memo._recordings").joinpath("recording.schema.json").read_bytes())


def faults(tree):
    return [
        f"{error.json_path}: {error.message}" for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(tree)
    ]


def invalid(folder):
    """The files of a directory of recordings that do not fit, each with what is wrong."""
    read = {path: json.loads(path.read_bytes()) for path in Path(folder).rglob("*.json")}
    assert read
    return {str(path): found for path, tree in read.items() if (found := faults(tree))}
