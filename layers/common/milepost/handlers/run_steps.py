"""The task of a workflow's state machine: run one block of steps for one contact."""

import json
from collections.abc import Mapping
from typing import Any

from milepost.base import times
from milepost.base.names import EnrollmentRef
from milepost.handlers.cold_start import preload
from milepost.handlers.log import logger
from milepost.wiring import core, runtime


def handler(task: Mapping[str, Any], _: Any) -> dict[str, Any]:
    """Run `block`; or record a failed state machine (`abandon`); or retry a message (`retry_step`).

    The answer is the whole state of the state machine. `until` and `since` are instants of the real
    clock, which Step Functions uses.
    """
    if "detail" in task:
        return _failed(task["detail"])
    ref = EnrollmentRef.from_json(task["enrollment"])
    clock = core.clock()
    now = times.format_instant(clock.wire_now())
    block_seq, execution_no = task.get("block_seq", 0), task.get("execution_no", 0)
    state = {"next": "end", "since": now, "until": now}
    if "abandon" in task:
        runtime.block_runner().abandon(
            ref, str(task["abandon"].get("Error", "failed")), execution_no
        )
    elif "retry_step" in task:
        retried = runtime.block_runner().retry_message(ref, task["retry_step"], task["block_seq"])
        state["next"] = "end" if retried else "paused"
    else:
        result = runtime.block_runner().run(ref, task["block"], block_seq, execution_no)
        logger.info(
            "block finished",
            extra={"enrollment": ref.to_json(), "block": task["block"], "next": result.next},
        )
        state = {
            "next": result.next,
            "since": times.format_instant(result.since),
            "until": times.format_instant(clock.to_wire(result.until)),
        }
    return {
        "enrollment": ref.to_json(),
        "execution_no": execution_no,
        "block_seq": block_seq + 1,
        **state,
    }


def _failed(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Record an execution that failed outside our code: Step Functions reports it by
    EventBridge."""
    input_ = json.loads(detail["input"])
    ref = EnrollmentRef.from_json(input_["enrollment"])
    runtime.block_runner().abandon(
        ref, f"state machine {detail['status']}", input_.get("execution_no", 0)
    )
    logger.error(
        "state machine failed", extra={"enrollment": ref.to_json(), "status": detail["status"]}
    )
    return {"enrollment": ref.to_json()}


preload(runtime.block_runner, core.clock)
