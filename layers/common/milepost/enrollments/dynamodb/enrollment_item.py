"""The items of an enrollment: the enrollment itself, and the data of the event that started it."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from milepost.aws import keys
from milepost.aws.table import pack
from milepost.base import times as instants
from milepost.base.names import EnrollmentRef
from milepost.enrollments.enrollment import Enrollment, ResumePoint

if TYPE_CHECKING:
    from milepost.enrollments.ports import PendingOutcomes


def resume_point_value(start: ResumePoint) -> dict[str, Any]:
    times = {"due": start.due, "since": start.since, "deferred_since": start.deferred_since}
    shown = {name: instants.format_instant(at) for name, at in times.items() if at is not None}
    known = {name: value for name, value in start._asdict().items() if value is not None}
    return {**known, **shown}


def _resume_point(stored: Mapping[str, Any]) -> ResumePoint:
    times = {name: instants.parse_instant(stored[name]) for name in _TIMES if name in stored}
    return ResumePoint(**{**stored, **times, "block_seq": int(stored["block_seq"])})


_TIMES = ("due", "since", "deferred_since")
ACTIVE_RUNS = "ENROLLMENT#active#"
NO_TRIGGER = {"data": "{}"}
"""An enrollment that is stored under another contact has its trigger's data there too."""


def run_sort(status: str, ref: EnrollmentRef) -> str:
    return f"ENROLLMENT#{status}#{ref.id}"


def trigger_item(enrollment: Enrollment) -> dict[str, Any]:
    data = json.dumps(enrollment.event_data, ensure_ascii=False)
    return keys.trigger(enrollment.ref) | pack({"data": data})


def enrollment_item(enrollment: Enrollment) -> dict[str, Any]:
    ref = enrollment.ref
    return keys.enrollment(ref) | pack(
        {
            "store": ref.store,
            "workflow": ref.workflow,
            "version": ref.version,
            "state_machine_arn": enrollment.state_machine_arn,
            "key": enrollment.key or None,
            "status": enrollment.status,
            "event_id": enrollment.event_id,
            "event_name": enrollment.event_name,
            "since": instants.format_instant(enrollment.since),
            "entered_at": instants.format_instant(enrollment.entered_at),
            "run_bucket": keys.run_bucket(ref.store, ref.workflow, keys.shard(ref.contact)),
            "run_sort": run_sort(enrollment.status, ref),
        }
    )


def enrollment_from_item(
    ref: EnrollmentRef, item: Mapping[str, Any], trigger: Mapping[str, Any]
) -> Enrollment:
    """Read an enrollment and its trigger's data, which is a separate item."""
    began = {
        n.removeprefix("block_started:"): v
        for n, v in item.items()
        if n.startswith("block_started:")
    }
    return Enrollment(
        ref=EnrollmentRef(ref.store, ref.contact, ref.workflow, int(item["version"]), ref.id),
        event_id=item["event_id"],
        event_name=item["event_name"],
        event_data=json.loads(trigger["data"]),
        since=instants.parse_instant(item["since"]),
        entered_at=instants.parse_instant(item["entered_at"]),
        key=item.get("key", ""),
        state_machine_arn=item["state_machine_arn"],
        status=item["status"],
        reason=item.get("reason", ""),
        block_started={
            run: instants.parse_instant(text.partition(" ")[0]) for run, text in began.items()
        },
        block_entries={run: text.partition(" ")[2] for run, text in began.items() if " " in text},
        execution_no=int(item.get("execution_no", 0)),
        first_block_run=int(item.get("first_block_run", 0)),
        resume_point=_resume_point(item["resume_point"]) if "resume_point" in item else None,
        ended_at=instants.parse_instant(item["ended_at"]) if "ended_at" in item else None,
        outcomes={
            name.removeprefix("outcome:"): json.loads(outcome)
            for name, outcome in item.items()
            if name.startswith("outcome:")
        },
    )


def pending_outcomes_update(pending: "PendingOutcomes") -> dict[str, Any]:
    """The update that saves outcomes in an enrollment; empty if there are none."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    parts = []
    for number, (entry, at) in enumerate(pending.began.items()):
        names[f"#b{number}"] = f"block_started:{entry}"
        values[f":b{number}"] = (
            f"{instants.format_instant(at)} {pending.entries.get(entry, '')}".rstrip()
        )
        parts.append(f"#b{number} = if_not_exists(#b{number}, :b{number})")
    for number, (step, outcome) in enumerate(pending.outcomes.items()):
        names[f"#o{number}"] = f"outcome:{step}"
        values[f":o{number}"] = json.dumps(outcome, ensure_ascii=False)
        parts.append(f"#o{number} = if_not_exists(#o{number}, :o{number})")
    return (
        {"expression": "SET " + ", ".join(parts), "names": names, "values": values} if parts else {}
    )
