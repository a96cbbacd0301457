"""The tasks of the state machine that re-evaluates all contacts (backfill)."""

from collections.abc import Mapping
from typing import Any

from milepost.handlers.cold_start import preload
from milepost.handlers.log import logger
from milepost.runtime.backfill import MAX_PASSES, BackfillPartition
from milepost.wiring import core, runtime


def handler(task: Mapping[str, Any], _: Any) -> dict[str, Any]:
    """Continue one partition (`item`); or, after a pass, return which `items` remain.

    The answer is the whole state of the state machine; `next` selects its next state.
    """
    if "item" in task:
        done = runtime.backfill_worker().part(task["request"], BackfillPartition(**task["item"]))
        return {**task, "next": "done" if done else "more"}
    remaining = runtime.backfill_worker().remaining(
        task["request"], [BackfillPartition(**item) for item in task["items"]]
    )
    rounds = task["round"] + 1
    next_state = "done" if not remaining else "next pass" if rounds < MAX_PASSES else "failed"
    extra = {
        "store": task["request"]["store"],
        "what": task["request"]["what"],
        "remaining": len(remaining),
    }
    logger.info("backfill progress", extra=extra)
    items = [each._asdict() for each in remaining]
    return {"request": task["request"], "items": items, "round": rounds, "next": next_state}


preload(runtime.backfill_worker, core.clock)
