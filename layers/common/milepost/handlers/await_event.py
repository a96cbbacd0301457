"""A `wait_for` begins: store its task token where `react` finds it when the event arrives."""

from collections.abc import Mapping
from typing import Any

from milepost.base import times
from milepost.base.names import EnrollmentRef
from milepost.handlers.cold_start import preload
from milepost.handlers.log import logger
from milepost.runtime.waits import register_wait
from milepost.wiring import core, tables


def handler(task: Mapping[str, Any], _: Any) -> None:
    ref = EnrollmentRef.from_json(task["enrollment"])
    outcome = register_wait(
        tables.enrollments(),
        core.published(),
        core.engine(),
        ref,
        task["step"],
        task["token"],
        times.parse_instant(task["since"]),
        task["block_seq"],
        task["execution_no"],
    )
    logger.info(
        "wait registered",
        extra={"enrollment": ref.to_json(), "step": task["step"], "outcome": outcome},
    )


preload(tables.enrollments, core.published, core.engine, core.clock)
