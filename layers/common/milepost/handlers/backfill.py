"""The tasks of the state machine that looks at all contacts."""

from collections.abc import Mapping
from typing import Any

from milepost.handlers.cold_start import preload
from milepost.handlers.log import logger
from milepost.runtime.backfill import MAX_PASSES, BackfillPartition
from milepost.wiring import core, runtime


def handler(task: Mapping[str, Any], _: Any) -> dict[str, Any]:
    """Go on with one part (`item`), or say which of the `items` are left when all have had a turn.

    The answer is the whole state of the machine, `next` where it goes.
    """
    if "item" in task:
        done = runtime.looker().part(task["order"], BackfillPartition(**task["item"]))
        return {**task, "next": "done" if done else "more"}
    left = runtime.looker().remaining(
        task["order"], [BackfillPartition(**item) for item in task["items"]]
    )
    rounds = task["round"] + 1
    following = "done" if not left else "again" if rounds < MAX_PASSES else "failed"
    extra = {"store": task["order"]["store"], "what": task["order"]["what"], "left": len(left)}
    logger.info("looked", extra=extra)
    items = [each._asdict() for each in left]
    return {"order": task["order"], "items": items, "round": rounds, "next": following}


preload(runtime.looker, core.clock)
