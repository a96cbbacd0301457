"""The tasks of the state machine that looks at all contacts."""

from collections.abc import Mapping
from typing import Any

from milepost.handlers.cold_start import warm
from milepost.handlers.log import logger
from milepost.runtime.backfill import ROUNDS, Slice
from milepost.wiring import core, runtime


def handler(task: Mapping[str, Any], _: Any) -> dict[str, Any]:
    """Go on with one part (`item`), or say which of the `items` are left when all have had a turn.

    The answer is the whole state of the machine, `next` where it goes.
    """
    if "item" in task:
        done = runtime.looker().part(task["order"], Slice(**task["item"]))
        return {**task, "next": "done" if done else "more"}
    left = runtime.looker().left(task["order"], [Slice(**item) for item in task["items"]])
    rounds = task["round"] + 1
    following = "done" if not left else "again" if rounds < ROUNDS else "failed"
    extra = {"store": task["order"]["store"], "what": task["order"]["what"], "left": len(left)}
    logger.info("looked", extra=extra)
    items = [each._asdict() for each in left]
    return {"order": task["order"], "items": items, "round": rounds, "next": following}


warm(runtime.looker, core.clock)
