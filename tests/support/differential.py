"""Two implementations of a port that are asked the same and must answer the same."""

from collections.abc import Iterator, Mapping
from typing import Any

from milepost.base.errors import ThrottledError


class Twins:
    """A port whose every call goes to both; it answers what both say, or fails."""

    def __init__(self, one: Any, other: Any) -> None:
        self._pair = (one, other)

    def __getattr__(self, method: str) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            answers = [_answer(getattr(each, method), args, named) for each in self._pair]
            first, second = (comparable(_without_places(method, each)) for each in answers)
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


def _without_places(method: str, answer: Any) -> Any:
    """Each adapter has an order of its own for those inside a workflow."""
    return sorted(ref for _, ref in answer) if method == "list_active" else answer


def comparable(answer: Any) -> Any:
    """What the product looks at: of a stored message its fate, and that somebody was busy."""
    if isinstance(answer, ThrottledError):
        return "busy"
    if isinstance(answer, Mapping) and "status" in answer:
        named = ("status", "reason", "recipient", "workflow", "step", "enrollment")
        fate = {name: value for name, value in answer.items() if name.endswith("_at")}
        links = sorted(answer.get("links", ()))
        return fate | {"links": links} | {name: answer.get(name) for name in named}
    if isinstance(answer, Mapping):
        return {name: comparable(value) for name, value in answer.items()}
    return answer
