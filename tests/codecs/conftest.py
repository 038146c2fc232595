"""`identical` and `back`: whether values come back the same in every respect that a user could see."""

import pytest
from pydantic import BaseModel
from shapes import shape

from memo.codecs import dumps, loads


@pytest.fixture(scope="session")
def identical():
    """Whether two values are the same in every respect that a user could see."""
    return lambda a, b: shape(a) == shape(b)


@pytest.fixture(scope="session")
def back():
    """The value after `dumps` and `loads`, checked to be identical and fresh."""

    def check(value, **options):
        data = dumps(value, **options)
        got = loads(data, **options)
        assert shape(got) == shape(value), data.decode()
        assert dumps(got, **options) == data
        again = loads(data, **options)
        if isinstance(value, (list, dict, set, BaseModel)) and value != []:
            assert again is not got
        return got

    return check
