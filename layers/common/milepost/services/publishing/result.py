"""What publishing one file came to, before anybody is told."""

from collections.abc import Iterable
from typing import NamedTuple

from milepost.domain.problems import Problem
from milepost.domain.report import Explanation, Outcome


class Result(NamedTuple):
    """The outcome; `explanation` of a workflow."""

    outcome: Outcome
    version: str = ""
    note: str = ""
    problems: tuple[Problem, ...] = ()
    explanation: Explanation | None = None


def refused(problems: Iterable[Problem]) -> Result:
    return Result("refused", problems=tuple(problems))
