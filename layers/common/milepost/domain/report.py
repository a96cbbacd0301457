"""What publishing a file came to, for programs (JSON) and for people (Markdown)."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from milepost.domain import instants
from milepost.domain.problems import Problem

Outcome = Literal["published", "unchanged", "refused", "archived", "kept"]

_SAID: dict[Outcome, str] = {
    "published": "is live",
    "unchanged": "was live already",
    "refused": "was not published: what was live before still is",
    "archived": "is archived",
    "kept": "keeps what was live",
}


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of publishing one file or template folder."""

    file: str
    outcome: Outcome
    at: datetime
    version: str = ""
    note: str = ""
    problems: tuple[Problem, ...] = ()


def as_json(report: Report) -> str:
    document = {
        "file": report.file,
        "outcome": report.outcome,
        "at": instants.show(report.at),
        "version": report.version or None,
        "note": report.note or None,
        "problems": [
            {"place": p.place, "reason": p.reason, "remedy": p.remedy or None}
            for p in report.problems
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def as_markdown(report: Report) -> str:
    version = f" as version {report.version}" if report.version else ""
    lines = [f"# `{report.file}` {_SAID[report.outcome]}{version}", "", instants.show(report.at)]
    if report.note:
        lines += ["", report.note]
    if report.problems:
        lines += ["", "| where | what | remedy |", "|---|---|---|"]
        lines += [
            "| " + " | ".join(_cell(text) for text in (f"`{p.place}`", p.reason, p.remedy)) + " |"
            for p in report.problems
        ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
