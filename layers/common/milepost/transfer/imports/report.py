"""The report of an import, finished or running: JSON for programs, Markdown for people.

It is in the store's own bucket, but never holds a value of a cell or a profile, only row numbers
and field names.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from milepost.base import times
from milepost.transfer.imports.changes import RowChange
from milepost.transfer.imports.progress import RUNNING_PHASES, Import, Phase
from milepost.transfer.naming import errors_path, undo_path

MAX_SAMPLES = 50

_OUTCOMES: dict[Phase, str] = {
    "checking": "is being checked: nothing is written",
    "importing": "is being imported",
    "stopping": "is being stopped, and then taken back",
    "undoing": "is being taken back",
    "checked": "was checked: nothing was written",
    "imported": "was imported",
    "undone": "was taken back",
    "refused": "was refused: nothing was written",
    "broken": "could not be read to its end",
}


def sample(row: int, difference: RowChange) -> str:
    """One difference as text, without values."""
    parts = [
        ("sets", difference.filled),
        ("replaces", difference.replaced),
        ("withdraws", difference.withdrawn),
    ]
    changes = "; ".join(f"{verb} {', '.join(names)}" for verb, names in parts if names)
    return f"row {row}: {'new' if difference.created else 'known'}; {changes or 'nothing else'}"


def as_json(done: Import, now: datetime) -> str:
    document: dict[str, Any] = {
        "import": done.id,
        "file": done.upload.path,
        "outcome": done.phase,
        "finished": done.phase not in RUNNING_PHASES,
        "begun": times.format_instant(done.begun),
        "updated": times.format_instant(now),
        "percent": done.percent,
        "rows_per_second": done.speed,
        "counts": done.counts._asdict(),
        "undo": done.returned._asdict() if done.phase in {"undoing", "undone"} else None,
        "columns": [
            {"column": c.title, "field": c.field or None, "type": c.type}
            for c in (done.plan.columns if done.plan else ())
        ],
        "settings": settings_for(done),
        "errors": [errors_path(done.id, n + 1) for n in range(done.error_files)],
        "problems": [
            {"location": p.location, "reason": p.reason, "remedy": p.remedy or None}
            for p in done.problems
        ],
        "samples": list(done.samples),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def settings_for(done: Import) -> dict[str, Any] | None:
    """The settings of this plan, ready to edit and upload."""
    if done.plan is None:
        return None
    columns = {
        column.title: (column.field or None)
        if column.type == "text" and not column.withdrawn
        else {"field": column.field, "type": column.type}
        | ({"format": column.format} if column.format else {})
        | ({"withdrawn": [*column.withdrawn]} if column.withdrawn else {})
        for column in done.plan.columns
        if column.title
    }
    lists = {"lists": [*done.plan.lists]} if done.plan.lists else {}
    enroll = {"enroll": True} if done.plan.enroll else {}
    return {"dry_run": False, "columns": columns, **lists, **enroll}


def as_markdown(done: Import, now: datetime) -> str:
    lines = [f"# `{_cell(done.upload.path)}` {_OUTCOMES[done.phase]}", ""]
    lines += [f"Import `{done.id}`, {times.format_instant(now)}."]
    if done.phase in RUNNING_PHASES:
        lines += ["", f"{done.percent} % of the file, {done.speed} rows a second."]
    if done.problems:
        lines += ["", "| where | what | remedy |", "|---|---|---|"]
        lines += [
            f"| `{_cell(p.location)}` | {_cell(p.reason)} | {_cell(p.remedy)} |"
            for p in done.problems
        ]
    if done.phase != "refused":
        lines += ["", "| rows | |", "|---|---|"]
        lines += [f"| {what} | {number:,} |" for what, number in _rows(done)]
        lines += _columns(done)
        lines += _what_next(done)
    return "\n".join(lines) + "\n"


def _rows(done: Import) -> Iterator[tuple[str, int]]:
    would = "would be " if done.phase in {"checking", "checked"} else ""
    counts = done.counts
    yield "read", counts.rows
    yield f"{would}new contacts", counts.created
    yield f"{would}contacts that change", counts.updated
    yield "without a difference", counts.unchanged
    yield "about a contact of an earlier row, and passed over", counts.repeated
    yield "with mistakes, and passed over", counts.failed
    if counts.withdrawn:
        yield "that withdraw a consent", counts.withdrawn
    if counts.granted:
        what = "cells that say yes to mail, and are not taken: no import raises consent"
        yield what, counts.granted
    if counts.formulas:
        yield "cells that look like formulas, and are kept as text", counts.formulas
    if done.phase in {"undoing", "undone"}:
        yield "**contacts restored**", done.returned.restored
        yield "**contacts erased that nothing else is known of**", done.returned.erased
        yield "**contacts whose consent stays withdrawn**", done.returned.stay_withdrawn


def _columns(done: Import) -> Iterator[str]:
    plan = done.plan
    if plan is None or not plan.columns:
        return
    yield from ("", "| column | field | |", "|---|---|---|")
    for column in plan.columns:
        field = f"`{column.field}`" if column.field else "left out"
        yield f"| {_cell(column.title)} | {field} | {column.type if column.field else ''} |"


def _what_next(done: Import) -> Iterator[str]:
    if done.samples:
        yield from ("", "## Some differences", "", *(f"- {each}" for each in done.samples))
    if done.counts.errors:
        yield from ("", "## Mistakes", "")
        for number in range(done.error_files):
            yield f"- `{errors_path(done.id, number + 1)}`"
    if done.phase == "checked":
        settings = json.dumps(settings_for(done), ensure_ascii=False, indent=2)
        name = done.upload.path.removesuffix(".jsonl").removesuffix(".csv")
        yield from ("", "## To import it", "", f"Upload this as `{_cell(name)}.import.json`:", "")
        yield from ("```json", settings, "```")
    if done.phase in {"imported", "broken"}:
        yield from ("", f"To take it back, upload an empty file as `{undo_path(done.id)}`.")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'").split())
