"""The result of publishing a file, as JSON for programs and as Markdown for people."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from milepost.base import times
from milepost.base.problems import Problem
from milepost.workflows.explain.explanation import Explanation

Outcome = Literal["published", "unchanged", "refused", "archived", "kept"]

_HEADLINES: dict[Outcome, str] = {
    "published": "is live",
    "unchanged": "was live already",
    "refused": "was not published: what was live before still is",
    "archived": "is archived",
    "kept": "keeps what was live",
}


class PublishReport(NamedTuple):
    """The outcome of publishing one file or template folder.

    `news` is true if staff must be told, because the previous report was different.
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
    """Whether a report differs from the previous one, which is given as JSON.

    A new live version is always news. "unchanged" is news only after a refusal.
    """
    try:
        previous = json.loads(before or "{}")
    except ValueError:
        previous = {}
    if report.outcome == "published":
        return True
    if report.outcome == "unchanged":
        return isinstance(previous, dict) and previous.get("outcome") == "refused"
    current = json.loads(as_json(report))
    return not isinstance(previous, dict) or current | {"at": None} != previous | {"at": None}


def headline(store: str, reports: Sequence[PublishReport]) -> str:
    """A summary of reports on one line."""
    if len(reports) == 1:
        (report,) = reports
        phrase = _HEADLINES[report.outcome].partition(":")[0]
        return f"{store}: {report.file} {phrase}{_as_version(report)}"
    counts = Counter(report.outcome for report in reports)
    return f"{store}: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items())


def as_message(reports: Iterable[PublishReport]) -> str:
    """Reports as plain text, without pictures."""
    shown = (
        report._replace(explanation=report.explanation and report.explanation._replace(picture=""))
        for report in reports
    )
    return "\n\n".join(map(as_markdown, shown))


def as_json(report: PublishReport) -> str:
    document = {
        "file": report.file,
        "outcome": report.outcome,
        "at": times.format_instant(report.at),
        "version": report.version or None,
        "note": report.note or None,
        "problems": [
            {"location": p.location, "reason": p.reason, "remedy": p.remedy or None}
            for p in report.problems
        ],
        **({"explanation": _fields(report.explanation)} if report.explanation else {}),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _fields(explanation: Explanation) -> dict[str, Any]:
    costs = [cost._asdict() for cost in explanation.costs]
    return {**explanation._asdict(), "costs": costs}


def as_markdown(report: PublishReport) -> str:
    head = f"# `{report.file}` {_HEADLINES[report.outcome]}{_as_version(report)}"
    lines = [head, "", times.format_instant(report.at)]
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
    """The sections: picture, description, changes, costs, and effect on active enrollments."""
    parts = {
        "Picture": explanation.picture and f"```mermaid\n{explanation.picture.rstrip()}\n```",
        "In words": explanation.description,
        "What changed": "\n".join(f"- {sentence}" for sentence in explanation.difference),
        "What it costs": explanation.prices,
        "Active enrollments": explanation.on_publish,
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
    """The outcome of publishing one unit. `explanation` is set for workflows and segments."""

    outcome: Outcome
    version: str = ""
    note: str = ""
    problems: tuple[Problem, ...] = ()
    explanation: Explanation | None = None


def rejected(problems: Iterable[Problem]) -> PublishResult:
    return PublishResult("refused", problems=tuple(problems))
