"""Kills a function before or after any of its calls to a port, as Lambda may."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

Scope = Literal[
    "",
    "react",
    "run_steps",
    "await_event",
    "learn",
    "trigger_date",
    "looks",
    "import",
    "export",
    "privacy",
]
Phase = Literal["before", "after"]


class Killed(BaseException):
    """The process is gone: no `except Exception` may catch this."""


@dataclass(frozen=True)
class Kill:
    """Where to kill: at the `number`th call that `scope` makes during the test."""

    scope: Scope
    number: int
    phase: Phase


@dataclass
class Faults:
    """Counts the calls of each scope and kills at `kill`, or randomly at every call, at most `most`
    times.

    `calls` lists all calls of all scopes in order, as (scope, number, "port.method"). `struck`
    lists the places of the kills, as "before port.method" or "after port.method". `happened` lists
    the places of other inserted actions. `places` are those at which a kill has an effect of its
    own: a kill after a call often equals a kill before the next call.
    """

    kill: Kill | None = None
    rate: float = 0.0
    seed: int = 0
    most: int = 10**6
    calls: list[tuple[Scope, int, str]] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)
    happened: list[str | Kill] = field(default_factory=list)
    places: list[tuple[Kill, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._scope: Scope = ""
        self._counts: dict[Scope, int] = {}
        self._meanwhile: dict[str | Kill, Callable[[], object]] = {}
        self._again: Callable[[], object] = lambda: None
        self._undisturbed = False
        self._just_called = False

    def kills(self, scope: Scope) -> list[tuple[Kill, str]]:
        """The places where a function can be killed, and their names."""
        return [(kill, place) for kill, place in self.places if kill.scope == scope]

    def meanwhile(self, place: str | Kill, action: Callable[[], object]) -> None:
        """Insert an action at a place, once, while the function waits there."""
        self._meanwhile[place] = action

    def overlap(self, kill: Kill) -> None:
        """Run the same invocation a second time, from start to end, at a place."""
        self.meanwhile(kill, self._invoke_again)

    def _invoke_again(self) -> None:
        self._again()

    @contextmanager
    def within(self, scope: Scope, again: Callable[[], object]) -> Iterator[None]:
        """An invocation of a function; `again` repeats it."""
        if self._undisturbed:
            yield
            return
        self._scope, self._again, self._just_called = scope, again, False
        try:
            yield
        finally:
            self._scope = ""

    def around(self, port: Any, name: str) -> Any:
        """The same port; the function can be killed at every call."""
        return _Fragile(port, name, self)

    def call(self, name: str, action: Callable[[], Any]) -> Any:
        if not self._scope:
            return action()
        number = self._counts[self._scope] = self._counts.get(self._scope, 0) + 1
        self.calls.append((self._scope, number, name))
        if not self._just_called:
            self.places.append((Kill(self._scope, number, "before"), f"before {name}"))
        self._strike(name, number, "before")
        self._just_called = False  # if the call fails, there is no "after" place
        result = action()
        self._just_called = True
        self.places.append((Kill(self._scope, number, "after"), f"after {name}"))
        self._strike(name, number, "after")
        return result

    def _strike(self, name: str, number: int, phase: Phase) -> None:
        here, place = Kill(self._scope, number, phase), f"{phase} {name}"
        for key in (here, place):
            if key in self._meanwhile:
                self.happened.append(key)
                self._happen(self._meanwhile.pop(key))
        by_chance = self.rate and len(self.struck) < self.most
        if self.kill == here or (by_chance and self._random.random() < self.rate):
            raise self.killed(place)

    def killed(self, place: str) -> Killed:
        """Record a kill; the caller raises it."""
        self.struck.append(place)
        return Killed(place)

    def _happen(self, action: Callable[[], object]) -> None:
        scope, self._scope, self._undisturbed = self._scope, "", True
        try:
            action()
        finally:
            self._scope, self._undisturbed = scope, False


class _Fragile:
    def __init__(self, port: Any, name: str, faults: Faults) -> None:
        self._port, self._name, self._faults = port, name, faults

    def __getattr__(self, method: str) -> Any:
        act = getattr(self._port, method)

        def call(*args: Any, **named: Any) -> Any:
            return self._faults.call(f"{self._name}.{method}", lambda: act(*args, **named))

        return call
