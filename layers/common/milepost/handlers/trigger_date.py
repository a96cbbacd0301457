"""Every minute: what is due."""

from typing import Any

from milepost.base.error_collector import ErrorCollector
from milepost.handlers.cold_start import preload
from milepost.handlers.log import count_metric, logger
from milepost.runtime.aws import LambdaMessageRetrier
from milepost.runtime.scheduler import SchedulerResult, run_due
from milepost.wiring import core, runtime, tables


def handler(_: Any, __: Any) -> None:
    """Have all contacts looked at for what was published, begin legs that are due, report what
    comes to contacts by itself, and decide messages whose outcome nobody reported in 15 minutes."""
    core.settings().need("run_steps_arn")
    resender = LambdaMessageRetrier(core.client("lambda"), core.settings().run_steps_arn)
    now = core.clock().wire_now()
    apart = ErrorCollector()
    with apart:
        changed = runtime.crowd().advance(apart)
        if changed:
            logger.info("people inside", extra={"changed": changed})
    with apart:
        begun = runtime.look_works().begin(apart)
        if begun:
            logger.info("all contacts are looked at", extra={"stores": begun})
    with apart:
        timers, legs, lookouts = tables.timers(), runtime.legs(), runtime.lookouts()
        _tell(run_due(timers, resender, legs, lookouts, now, apart))
    apart.raise_if_any("things that are due")


def _tell(done: SchedulerResult) -> None:
    if done.begun:
        logger.info("legs began", extra={"begun": done.begun})
    if done.came:
        logger.info("occasions came", extra={"events": done.came})
    if done.given_up or done.sent_again:
        logger.warning(
            "outcomes unknown", extra={"given_up": done.given_up, "sent_again": done.sent_again}
        )
        count_metric("MessagesGivenUp", done.given_up)
        count_metric("MessagesSentAgain", done.sent_again)


preload(tables.timers, runtime.legs, runtime.crowd, core.clock)
