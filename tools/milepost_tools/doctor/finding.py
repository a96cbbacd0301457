"""A finding: one line of the doctor's report."""

from typing import Literal, NamedTuple

State = Literal["ok", "advice", "wrong", "unknown"]
"""`unknown`: the doctor could not check it."""


class Finding(NamedTuple):
    """What was checked, its state, and the remedy."""

    check: str
    state: State
    said: str
    remedy: str = ""

    def __str__(self) -> str:
        said = {"ok": "OK", "unknown": "not checked"}.get(self.state, self.state)
        return f"{self.check}: {said}: {self.said}" + (f" ({self.remedy})" if self.remedy else "")


def ok(check: str, said: str) -> Finding:
    return Finding(check, "ok", said)


def wrong(check: str, said: str, remedy: str) -> Finding:
    return Finding(check, "wrong", said, remedy)


def advice(check: str, said: str, remedy: str) -> Finding:
    return Finding(check, "advice", said, remedy)


def unknown(check: str, said: str, remedy: str = "") -> Finding:
    return Finding(check, "unknown", said, remedy)
