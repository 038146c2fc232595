"""The 12 faults that are tried with each client, and the time-out with which they are tried."""

from memo import fault

WAIT = 0.4


def faults(body):
    """Each fault by its name, and whether it is tried with a stream; errors have that body."""
    return {
        "rate limit": (fault.rate_limit(retry_after=2, body=body), False),
        "400": (fault.status(400, body=body), False),
        "401": (fault.status(401, body=body), False),
        "404": (fault.status(404, body=body), False),
        "500": (fault.status(500, body=body), False),
        "503, streamed": (fault.status(503, body=body), True),
        "529": (fault.status(529, body=body), False),
        "timeout": (fault.timeout(), False),
        "connection": (fault.connection(), False),
        "cut": (fault.cut(after=2), True),
        "slow": (fault.slow(first=0.05, per_item=0.01), True),
        "malformed": (fault.malformed(), False),
    }
