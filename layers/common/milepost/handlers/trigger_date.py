"""Every minute: what is due."""

from time import monotonic
from typing import Any

from milepost.base.error_collector import ErrorCollector
from milepost.handlers.cold_start import preload
from milepost.handlers.log import count_metric, counted, logger
from milepost.runtime.aws import LambdaMessageRetrier
from milepost.runtime.nightly_counts import SECONDS
from milepost.runtime.scheduler import SchedulerResult, run_due
from milepost.wiring import core, runtime, tables


def handler(_: Any, __: Any) -> None:
    """Have all contacts looked at for what was published, begin legs that are due, report what
    comes to contacts by itself, and decide messages whose outcome nobody reported in 15 minutes.

    At night, workflows that moved are counted in the time that is left of half a minute."""
    began = monotonic()
    core.settings().need("run_steps_arn")
    resender = LambdaMessageRetrier(core.client("lambda"), core.settings().run_steps_arn)
    now = core.clock().wire_now()
    apart = ErrorCollector()
    with apart:
        changed = runtime.crowd().advance(apart)
        if changed:
            logger.info("enrollments updated", extra={"changed": changed})
    with apart:
        begun = runtime.look_works().begin(apart)
        if begun:
            logger.info("backfills started", extra={"stores": begun})
    with apart:
        timers, legs, lookouts = tables.timers(), runtime.legs(), runtime.lookouts()
        _tell(run_due(timers, resender, legs, lookouts, now, apart))
    with apart:
        runtime.nightly_counts().go_on(apart, began + SECONDS, counted)
    apart.raise_if_any("things that are due")


def _tell(done: SchedulerResult) -> None:
    if done.begun:
        logger.info("executions started", extra={"started": done.begun})
    if done.came:
        logger.info("time triggers fired", extra={"events": done.came})
    if done.given_up or done.sent_again:
        logger.warning(
            "delivery unknown", extra={"abandoned": done.given_up, "retried": done.sent_again}
        )
        count_metric("MessagesAbandoned", done.given_up)
        count_metric("MessagesRetried", done.sent_again)


preload(tables.timers, runtime.legs, runtime.crowd, core.clock)
