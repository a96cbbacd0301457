"""The results at the end, one table per workflow."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from milepost.sending.counts import StepCounts, WorkflowCounts

_COUNTS = ("decided", "sent", "skipped", "failed", "unknown")
_EVENTS = ("delivered", "opened", "clicked", "bounced", "complained")


def show(console: Console, title: str, numbers: WorkflowCounts, order: Iterable[str]) -> None:
    """Print the results of all enrollments and e-mails, step by step in `order`."""
    console.print(f"\n[bold]{title}[/bold]  {numbers.entered} entered")
    for status, count in numbers.statuses.items():
        console.print(f"  {count} {status}", markup=False)
    rows = {step: numbers.steps[step] for step in order if step in numbers.steps}
    columns = [
        name
        for name in (*_COUNTS, *_EVENTS)
        if any(_count(counts, name) for counts in rows.values())
    ]
    table = Table()
    table.add_column("step", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for step, counts in rows.items():
        table.add_row(step, *(str(_count(counts, column) or "·") for column in columns))
    console.print(table)
    for step, counts in rows.items():
        for reason, count in counts.reasons.items():
            console.print(f"  {step}: {count} held back, {reason}", markup=False)


def _count(counts: StepCounts, name: str) -> int:
    return counts.statuses[name] if name in _EVENTS else int(getattr(counts, name))
