"""The task of a state machine: run one block of steps for one contact."""

import json
from collections.abc import Mapping
from typing import Any

from milepost.base import instants
from milepost.base.refs import EnrollmentRef
from milepost.handlers.cold_start import preload
from milepost.handlers.log import logger
from milepost.wiring import core, runtime


def handler(task: Mapping[str, Any], _: Any) -> dict[str, Any]:
    """Run `block`; or note that the machine failed (`abandon`); or send `again` once.

    The answer is the whole state of the machine: `until` and `since` are instants of its own time.
    """
    if "detail" in task:
        return _failed(task["detail"])
    ref = EnrollmentRef.from_json(task["enrollment"])
    clock = core.clock()
    now = instants.format_instant(clock.wire_now())
    block_seq, execution_no = task.get("block_seq", 0), task.get("execution_no", 0)
    resting = {"next": "end", "since": now, "until": now}
    if "abandon" in task:
        runtime.runner().abandon(ref, str(task["abandon"].get("Error", "failed")), execution_no)
    elif "retry_step" in task:
        asked = runtime.runner().retry_message(ref, task["retry_step"], task["block_seq"])
        resting["next"] = "end" if asked else "paused"
    else:
        stop = runtime.runner().run(ref, task["block"], block_seq, execution_no)
        logger.info(
            "block finished",
            extra={"enrollment": ref.to_json(), "block": task["block"], "next": stop.next},
        )
        resting = {
            "next": stop.next,
            "since": instants.format_instant(stop.since),
            "until": instants.format_instant(clock.to_wire(stop.until)),
        }
    return {
        "enrollment": ref.to_json(),
        "execution_no": execution_no,
        "block_seq": block_seq + 1,
        **resting,
    }


def _failed(detail: Mapping[str, Any]) -> dict[str, Any]:
    """A machine that ended without a word: Step Functions itself tells (EventBridge)."""
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
