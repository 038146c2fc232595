"""A recorder: the session that users make, with its scopes, its functions, and its part in other processes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, Unpack, overload
from warnings import warn

from memo._engine.calls.cache import beside_loop
from memo._engine.calls.options import Options
from memo._engine.calls.recordable import Recordable
from memo._engine.rules import modes
from memo._engine.scopes.memoized import Memoize, Memoized, MemoizedMember, MemoizedMethod, OfClass, OfObject
from memo._engine.sessions.active import before_scopes, enter, leave, process_wide
from memo._engine.sessions.guard import began, ended
from memo._engine.sessions.scope_names import HEADER, SECRET, VARIABLE
from memo._engine.sessions.session import Session
from memo.errors import AlreadyStarted, MemoError, ScopeLostWarning

if TYPE_CHECKING:
    from memo._engine.scopes.sharing import Shared

__all__ = ["Recorder"]

P = ParamSpec("P")
R = TypeVar("R")


_FOR_USERS = {
    "ainvalidate",
    "calls",
    "env",
    "headers",
    "invalidate",
    "recordable",
    "scope",
    "start",
    "stats",
    "stop",
}


class _Shown(type):
    """The class of recorders: `help()` and `dir()` show what users use, and not what the engine calls."""

    def __dir__(cls) -> list[str]:
        """Return the names of attributes without those of the engine."""
        names = (name for base in Recorder.__mro__[:-1] for name in vars(base) if not name.startswith("_"))
        return sorted({*super().__dir__()} - ({*names} - _FOR_USERS))


class Recorder(Session, metaclass=_Shown):
    """Records into a store and replays from it, in one mode, with one set of options.

    A recorder is a session: the nth identical call of its life is replayed with the nth recorded outcome, and in `record`
    the first call of a key replaces what was recorded before. It may be used by any number of tasks, threads and event
    loops at once. `recording()` opens one for a `with` block, `recorder.recordable` binds a function to one, and
    `recorder.start()` makes it the process's default.

    Where recordings are:

    - `store`: a directory (made when it is needed), a URL (`sqlite:///file.db`, `redis://…`, `s3://bucket/prefix`,
      `memory://`), or any `Store`. `MEMO_STORE` in the environment wins. Of several (`["tests/x", "tests/common"]`), they are read
      in order, and the first is written to; `MEMO_STORE` takes the place of the first.
    - `fallback`: further stores, read in order where `store` has no recording of a call. Nothing is written there.

    When a call is made, and when it is replayed:

    - `mode`: see `recording`. `MEMO_MODE` in the environment wins.
    - `modes`: the mode of some functions: `{"openai.*": "live", "tools.*": "replay"}`. The most specific pattern counts, those of
      `MEMO_MODES` before these; what no pattern covers has the recorder's mode.
    - `exhausted`: after the last outcome of a call, `"repeat"` it or raise `OutcomesExhausted` (`"error"`).
    - `draws`: the k-th identical call of a scope takes outcome k; `False` keeps one outcome for each key.
    - `allow`: SDKs that are not patched, and hosts (`"localhost:9000"`, `"*.example.com"`), that may be called live in replay.
    - `block_network`: in `replay`, refuse connections to other machines, in every thread of the process: `NetworkBlocked`.
    - `isolated`: serve the contexts of the recorder's own scopes alone: no thread, task or event loop that is in no scope.
    - `max_age`: how old a recording may be: `"90s"`, `"15m"`, `"12h"`, `"30d"`, `"4w"` or a `timedelta`. It is judged by the
      time at which it was recorded, when it is replayed; reading renews nothing.
    - `on_expiry`: what happens to an older recording: `"warn"` replays it with one `RecordingExpiredWarning` a call, `"fail"` raises
      that, `"record"` makes the call and replaces the recording in `record-if-missing` (concurrent identical calls make
      one; if it fails unrecorded, the old one stays) and raises in `replay`, where no call is ever made. `"refresh"` replays
      the old one once more, while one call in the whole fleet makes it again; in a scope with draws, it does what `"record"` does.
      A refresh runs as a task of the event loop, whose end cancels it, or for a plain function in a thread. One that fails is
      logged and counted in `stats.unrecorded`.
    - `ttl`: how long an outcome is valid in `record-if-missing`: one for all functions, or by patterns of their names, of which
      the most specific counts. What is older is made again, as `on_expiry` says ("record" unless that is `"refresh"`).
    - `faults`: what a provider rarely does, injected into the calls: see `memo.fault`. Nothing is written of an attempt with a fault.

    What identifies a call:

    - `ignore`, `watch`, `scrub`: as `recordable` has them, for every function that has such an argument, in addition to its own.
    - `on_watched_change`: `"warn"` or `"fail"` when a replayed call differs in a watched field.
    - `secrets`: more names of parameters, fields and headers that hold credentials.
    - `allow_secrets`: names, or paths (`"[0].token"`), of values that look like credentials and are not: they are written as they are.

    What is stored, and how it is replayed:

    - `errors`: record the errors that are `"answers"` (the default in scopes), `"all"` (connections, timeouts, 429, 5xx too),
      or `"none"` (the default of functions bound to the recorder: a cached error would be raised forever).
    - `keep`: decides by the outcome whether it is stored: `memo.keep.finished`, or a function that takes a `CallRecord` and returns
      True, or False, or why not. What is not stored is reported at the end (`CallsNotRecordedWarning`).
    - `pending`: put what is recorded aside, for `memo review`, where it is new or differs from the recording, which stays as it is:
      nothing replays it until it is accepted. What differs in ids and times alone is left out, unless it is `"all"`. For a
      directory, `sqlite://` and `memory://`.
    - `timings`: keep when each item of a stream came; `pace=1.0` replays such streams in their rhythm, 2.0 twice as fast.
    - `ttft`, `items_per_second`: for streams that were recorded without timings, the seconds before the first item, and how many
      come in a second from then on.
    - `trust`: top-level packages whose data types recordings may name although the program has not imported them.
    - `test`: written into new recordings, to say which test made them.

    Limits, and what is kept in memory:

    - `max_live`: how many calls may go to the real function; the next raises
      `TooManyLiveCalls` before it is made.
    - `max_cost`: what live calls may cost, by the tokens that their answers report and by `prices`, in the currency of these:
      `{"gpt-4o": (2.5, 10.0)}` for a million tokens in and out, or a function of the model and its tokens in and out. The next
      call raises `CostLimitReached`, and one of a model without a price `InvalidOption`, before it is made.
    - `memory`: how many bytes of recordings are kept ready in memory.
    - `claims`: in `record-if-missing` a call has one recorded outcome in the whole fleet: whoever comes second gets that of the
      first, although the call was made (a stream that has passed stays what it was). With claims, where the store can,
      the call is also made only once, and the others wait. Whoever has waited for `claim_timeout` seconds makes it too,
      and a warning is logged.
    - `calls`: list what is called, for `recorder.calls`.

    A recorder is a context manager, sync and async: `with recorder:` is a scope of it. Scopes nest and may overlap.

    Raises `InvalidMode` or `InvalidOption` at once for what it does not know.
    """

    @overload
    def recordable(  # pyright: ignore[reportOverlappingOverload]
        self, function: OfClass[P, R], /
    ) -> MemoizedMember[P, R]: ...
    @overload
    def recordable(self, function: OfObject[P, R], /) -> MemoizedMethod[P, R]: ...
    @overload
    def recordable(self, function: Callable[P, R], /) -> Memoized[P, R]: ...
    @overload
    def recordable(self, /, **options: Unpack[Options]) -> Memoize: ...
    def recordable(self, function: Any = None, /, **options: Unpack[Options]) -> Any:
        """`memo.recordable`, bound to this recorder: no scope is needed, and none changes it."""
        if function is None:
            return lambda decorated: Recordable(decorated, self, options)
        return Recordable(function, self, options)

    def invalidate(self, *, tag: str) -> int:
        """Delete every recording in the store that has a tag, of whichever function; return how many there were.

        The calls are made again when they are next made where calls may be made. Reads every recording of the store. What
        another process holds in memory (`memory=`) it replays until it reads the store again. Raises `StoreError`.
        """
        return self.forget_tagged(tag)

    async def ainvalidate(self, *, tag: str) -> int:
        """Async twin of `invalidate`: the event loop does not wait for the store."""
        return await beside_loop(self, lambda: self.forget_tagged(tag))

    @contextmanager
    def scope(self) -> Generator[Self]:
        """Be the active recorder inside a `with`, as `with recorder:` does."""
        with self:
            yield self

    def __enter__(self) -> Self:
        """Become the active recorder of this context. Scopes of one recorder nest, and may be open in several tasks.

        Raises `UnknownFunction` for a pattern of `modes` or `faults` that covers no known function.
        """
        self.check_patterns()
        for prepare in before_scopes:
            prepare()
        enter(self)
        self._guard(active=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the scope, and raise what could not be recorded, unless an exception is on its way already."""
        leave(self)
        self._guard(active=False)
        self.store_open_streams()
        self.catch_up()
        try:
            if kind is None:
                self.raise_failures()
        finally:
            self.close_store()

    async def __aenter__(self) -> Self:
        """Async twin of `__enter__`."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Async twin of `__exit__`."""
        self.__exit__(kind, error, traceback)

    def start(self) -> Self:
        """Become the process's default: for every task and thread without its own scope, until `stop`.

        Raises `AlreadyStarted` if another recorder is.
        """
        others = [recorder for recorder in process_wide if recorder.started and recorder is not self]
        if others:
            raise AlreadyStarted(repr(self), repr(others[0]))
        if not self.started:
            self.started = True
            self._become_default()
        return self

    def stop(self) -> None:
        """End being the default (if it is), and raise what could not be recorded, as the end of a scope does."""
        if self.started:
            self.started = False
            self._cease()
        self.catch_up()
        try:
            self.raise_failures()
        finally:
            self.close_store()

    # Other processes

    @property
    def headers(self) -> dict[str, str]:
        """The header that takes the scope along with a request, to a server with `memo.integrations.asgi.Middleware`.

        It stays the same for the whole life of the recorder. Raises `ScopeNotPortable` if no other process can reach the store.
        """
        return {HEADER: self.share().value}

    @property
    def env(self) -> dict[str, str]:
        """The variables that take the scope along to a child process: `subprocess.run(..., env={**os.environ, **recorder.env})`.

        Raises `ScopeNotPortable` if no other process can reach the store.
        """
        shared = self.share()
        return {VARIABLE: shared.value, SECRET: shared.secret}

    shared: Shared | None = None
    """What other processes have of the recorder, None if they have nothing."""

    journals: Callable[[], str] | None = None
    """Returns the directory for the journal of the scope; without it, that is a temporary one of this process."""

    def share(self) -> Shared:
        """Let other processes have the scope from now on. Raises `ScopeNotPortable`."""
        if self.shared is None:
            from memo._engine.scopes.sharing import share  # only for those who share

            self.shared = share(self, self.journals() if self.journals is not None else None)
        return self.shared

    def catch_up(self) -> None:
        """Take over what other processes did in this scope since the last time: they write it into the scope's journal."""
        if self.shared is not None:
            for event in self.shared.events():
                self.on_event(event)

    def end(self) -> None:
        """Let the processes that have the scope know that no call of it follows."""
        if self.shared is not None:
            self.shared.end()

    def on_event(self, event: dict[str, Any]) -> None:
        """Count what another process did, and keep what it could not record. Warns of calls that had lost the scope there."""
        if event["event"] == "failed":
            self.failures.append(MemoError(event["text"]))
        elif event["event"] == "lost":
            context = f"{event['context']} of process {event['process']}"
            warn(ScopeLostWarning(event["function"], context, event["recorders"]), stacklevel=3)
        self.counts.add(event)

    def _become_default(self) -> None:
        for prepare in before_scopes:
            prepare()
        process_wide.append(self)
        self._guard(active=True)

    def _cease(self) -> None:
        process_wide.remove(self)
        self._guard(active=False)
        self.store_open_streams()

    def _guard(self, *, active: bool) -> None:
        if modes.REPLAY in self.modes:
            began() if active else ended()
            if self.blocks_network and self.modes == {modes.REPLAY}:
                from memo._engine.sessions.network import for_scopes

                for_scopes.block(self.on_replay_error, self.allow) if active else for_scopes.unblock(
                    self.on_replay_error
                )
