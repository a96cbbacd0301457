"""The task of a workflow's state machine: run one block of steps for one contact."""

import json
from collections.abc import Mapping
from typing import Any

from milepost.base import instants
from milepost.base.refs import EnrollmentRef
from milepost.handlers.cold_start import preload
from milepost.handlers.log import logger
from milepost.wiring import core, runtime


def handler(task: Mapping[str, Any], _: Any) -> dict[str, Any]:
    """Run `block`; or record that the state machine failed (`abandon`); or send `again` once.

    The answer is the whole state of the state machine. `until` and `since` are instants of the real
    clock, which Step Functions uses.
    """
    if "detail" in task:
        return _failed(task["detail"])
    ref = EnrollmentRef.from_json(task["enrollment"])
    clock = core.clock()
    now = instants.format_instant(clock.wire_now())
    turn, leg = task.get("block_seq", 0), task.get("execution_no", 0)
    resting = {"next": "end", "since": now, "until": now}
    if "abandon" in task:
        runtime.runner().abandon(ref, str(task["abandon"].get("Error", "failed")), leg)
    elif "retry_step" in task:
        asked = runtime.runner().retry_message(ref, task["retry_step"], task["block_seq"])
        resting["next"] = "end" if asked else "paused"
    else:
        stop = runtime.runner().run(ref, task["block"], turn, leg)
        logger.info(
            "block finished",
            extra={"enrollment": ref.to_json(), "block": task["block"], "next": stop.next},
        )
        resting = {
            "next": stop.next,
            "since": instants.format_instant(stop.since),
            "until": instants.format_instant(clock.to_wire(stop.until)),
        }
    return {"enrollment": ref.to_json(), "execution_no": leg, "block_seq": turn + 1, **resting}


def _failed(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Record an execution that failed outside our code: Step Functions reports it by
    EventBridge."""
    began_with = json.loads(detail["input"])
    ref = EnrollmentRef.from_json(began_with["enrollment"])
    runtime.runner().abandon(
        ref, f"state machine {detail['status']}", began_with.get("execution_no", 0)
    )
    logger.error(
        "state machine failed", extra={"enrollment": ref.to_json(), "status": detail["status"]}
    )
    return {"enrollment": ref.to_json()}


preload(runtime.runner, core.clock)
