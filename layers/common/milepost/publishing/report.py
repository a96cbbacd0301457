"""What publishing a file came to, for programs (JSON) and for people (Markdown).

What publishing one file came to, before anybody is told.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from milepost.base import instants
from milepost.base.problems import Problem
from milepost.workflows.explain.explanation import Explanation

Outcome = Literal["published", "unchanged", "refused", "archived", "kept"]

_SAID: dict[Outcome, str] = {
    "published": "is live",
    "unchanged": "was live already",
    "refused": "was not published: what was live before still is",
    "archived": "is archived",
    "kept": "keeps what was live",
}


class PublishReport(NamedTuple):
    """The outcome of publishing one file or template folder.

    `news` says whether somebody has to be told: the report that was there before said otherwise.
    """

    file: str
    outcome: Outcome
    at: datetime
    version: str = ""
    note: str = ""
    problems: tuple[Problem, ...] = ()
    explanation: Explanation | None = None
    news: bool = True


def is_news(report: PublishReport, before: str | None) -> bool:
    """Whether a report says something that the one before it, as JSON, did not.

    What goes live is always news, and what was live already only to whoever has just heard that
    the file was refused.
    """
    try:
        known = json.loads(before or "{}")
    except ValueError:
        known = {}
    if report.outcome == "published":
        return True
    if report.outcome == "unchanged":
        return isinstance(known, dict) and known.get("outcome") == "refused"
    said = json.loads(as_json(report))
    return not isinstance(known, dict) or said | {"at": None} != known | {"at": None}


def headline(store: str, reports: Sequence[PublishReport]) -> str:
    """What some reports come to, on one line."""
    if len(reports) == 1:
        (report,) = reports
        said = _SAID[report.outcome].partition(":")[0]
        return f"{store}: {report.file} {said}{_as_version(report)}"
    counts = Counter(report.outcome for report in reports)
    return f"{store}: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items())


def as_message(reports: Iterable[PublishReport]) -> str:
    """Reports for people who read them as plain text, where a picture is none."""
    shown = (
        report._replace(explanation=report.explanation and report.explanation._replace(picture=""))
        for report in reports
    )
    return "\n\n".join(map(as_markdown, shown))


def as_json(report: PublishReport) -> str:
    document = {
        "file": report.file,
        "outcome": report.outcome,
        "at": instants.format_instant(report.at),
        "version": report.version or None,
        "note": report.note or None,
        "problems": [
            {"place": p.location, "reason": p.reason, "remedy": p.remedy or None}
            for p in report.problems
        ],
        **({"explanation": _fields(report.explanation)} if report.explanation else {}),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _fields(explanation: Explanation) -> dict[str, Any]:
    costs = [cost._asdict() for cost in explanation.costs]
    return {**explanation._asdict(), "costs": costs}


def as_markdown(report: PublishReport) -> str:
    head = f"# `{report.file}` {_SAID[report.outcome]}{_as_version(report)}"
    lines = [head, "", instants.format_instant(report.at)]
    if report.note:
        lines += ["", report.note]
    if report.problems:
        lines += ["", "| where | what | remedy |", "|---|---|---|"]
        lines += [
            "| "
            + " | ".join(_cell(text) for text in (f"`{p.location}`", p.reason, p.remedy))
            + " |"
            for p in report.problems
        ]
    if report.explanation:
        lines += _explained(report.explanation)
    return "\n".join(lines) + "\n"


def _as_version(report: PublishReport) -> str:
    return f" as version {report.version}" if report.version else ""


def _explained(explanation: Explanation) -> list[str]:
    """What the workflow looks like, says, changes, costs, and does to those inside."""
    parts = {
        "Picture": explanation.picture and f"```mermaid\n{explanation.picture.rstrip()}\n```",
        "In words": explanation.words,
        "What changed": "\n".join(f"- {sentence}" for sentence in explanation.difference),
        "What it costs": explanation.prices,
        "People inside": explanation.inside,
    }
    return [
        line
        for title, part in parts.items()
        if part.strip()
        for line in ("", f"## {title}", "", part.rstrip())
    ]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


class PublishResult(NamedTuple):
    """The outcome; `explanation` of a workflow."""

    outcome: Outcome
    version: str = ""
    note: str = ""
    problems: tuple[Problem, ...] = ()
    explanation: Explanation | None = None


def rejected(problems: Iterable[Problem]) -> PublishResult:
    return PublishResult("refused", problems=tuple(problems))
