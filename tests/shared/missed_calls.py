"""Calls that are recorded and missed: what a test says of the error of a miss."""

import pickle

import pytest

from memo import RecordingNotFound, recordable, recording


def chat(name="app.chat", **options):
    @recordable(name=name, **options)
    def chat(messages, model="m", tools=()):
        return len(messages)

    return chat


def from_user(*texts):
    return [{"role": "user", "content": text} for text in texts]


def missed(store, call, **options):
    with recording(store, **options), pytest.raises(RecordingNotFound) as raised:
        call()
    error = raised.value
    assert error.__cause__ is None
    assert error.__context__ is None
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))
    return error


def record(store, *calls, **options):
    with recording(store, mode="record", **options):
        for call in calls:
            call()
