"""A journal as an update of its enrollment: what is written stays, whoever writes it again."""

import json
from typing import TYPE_CHECKING, Any

from milepost.domain import instants

if TYPE_CHECKING:
    from milepost.ports.enrollments import Journal


def journal_change(journal: "Journal") -> dict[str, Any]:
    """The update that writes a journal into an enrollment; empty if there is nothing to write."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    parts = []
    for number, (entry, at) in enumerate(journal.began.items()):
        names[f"#b{number}"] = f"began:{entry}"
        values[f":b{number}"] = f"{instants.show(at)} {journal.entries.get(entry, '')}".rstrip()
        parts.append(f"#b{number} = if_not_exists(#b{number}, :b{number})")
    for number, (step, outcome) in enumerate(journal.outcomes.items()):
        names[f"#o{number}"] = f"outcome:{step}"
        values[f":o{number}"] = json.dumps(outcome, ensure_ascii=False)
        parts.append(f"#o{number} = if_not_exists(#o{number}, :o{number})")
    return (
        {"expression": "SET " + ", ".join(parts), "names": names, "values": values} if parts else {}
    )
