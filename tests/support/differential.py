"""Compares two implementations of a port: every call must return the same from both."""

from collections.abc import Iterator, Mapping
from typing import Any

from milepost.base.errors import ThrottledError


class ComparedPorts:
    """A port that makes every call on both; it returns the common answer, or fails."""

    def __init__(self, one: Any, other: Any) -> None:
        self._pair = (one, other)

    def __getattr__(self, method: str) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            answers = [_answer(getattr(each, method), args, named) for each in self._pair]
            first, second = (comparable(_without_order(method, each)) for each in answers)
            assert first == second, f"{method}{args}: {first} and {second}"
            if isinstance(answers[0], ThrottledError):
                raise answers[0]
            return answers[0]

        return call


def _answer(method: Any, args: Any, named: Any) -> Any:
    try:
        answer = method(*args, **named)
    except ThrottledError as busy:
        return busy
    return list(answer) if isinstance(answer, Iterator) else answer


def _without_order(method: str, answer: Any) -> Any:
    """Each adapter has an order of its own for active enrollments."""
    return sorted(ref for _, ref in answer) if method == "list_active" else answer


def comparable(answer: Any) -> Any:
    """The part of an answer that the product uses: a stored message's status, and that a call was
    throttled."""
    if isinstance(answer, ThrottledError):
        return "busy"
    if isinstance(answer, Mapping) and "status" in answer:
        named = ("status", "reason", "recipient", "workflow", "step", "enrollment")
        times = {name: value for name, value in answer.items() if name.endswith("_at")}
        links = sorted(answer.get("links", ()))
        return times | {"links": links} | {name: answer.get(name) for name in named}
    if isinstance(answer, Mapping):
        return {name: comparable(value) for name, value in answer.items()}
    return answer
