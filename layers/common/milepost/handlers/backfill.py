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
        done = runtime.looker().part(task["request"], BackfillPartition(**task["item"]))
        return {**task, "next": "done" if done else "more"}
    left = runtime.looker().remaining(
        task["request"], [BackfillPartition(**item) for item in task["items"]]
    )
    rounds = task["round"] + 1
    following = "done" if not left else "next pass" if rounds < MAX_PASSES else "failed"
    extra = {
        "store": task["request"]["store"],
        "what": task["request"]["what"],
        "remaining": len(left),
    }
    logger.info("backfill progress", extra=extra)
    items = [each._asdict() for each in left]
    return {"request": task["request"], "items": items, "round": rounds, "next": following}


preload(runtime.looker, core.clock)
