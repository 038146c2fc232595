"""The names under which a scope travels. They are known without importing what reads them."""

__all__ = ["HEADER", "RUN", "SECRET", "VARIABLE"]

HEADER = "memo-scope"
"""The header of a request that carries a scope."""
VARIABLE = "MEMO_SCOPE"
"""The variable of a process that carries a scope."""
SECRET = "MEMO_SCOPE_SECRET"  # noqa: S105 - the name of a variable
"""The variable that holds the secret of the run: a process that has it may hand over scopes."""
RUN = "MEMO_SCOPE_RUN"
"""The variable that names the run, if the run made the secret itself."""
