"""Every minute: what is due."""

from typing import Any

from milepost.base.error_collector import Apart
from milepost.handlers.cold_start import warm
from milepost.handlers.log import count, logger
from milepost.runtime.aws import LambdaResender
from milepost.runtime.scheduler import Reconciled, reconcile
from milepost.wiring import core, runtime, tables


def handler(_: Any, __: Any) -> None:
    """Have all contacts looked at for what was published, begin legs that are due, report what
    comes to contacts by itself, and decide messages whose outcome nobody reported in 15 minutes."""
    core.settings().need("run_steps_arn")
    resender = LambdaResender(core.client("lambda"), core.settings().run_steps_arn)
    now = core.clock().wire_now()
    apart = Apart()
    with apart:
        changed = runtime.crowd().go_on(apart)
        if changed:
            logger.info("people inside", extra={"changed": changed})
    with apart:
        begun = runtime.look_works().begin(apart)
        if begun:
            logger.info("all contacts are looked at", extra={"stores": begun})
    with apart:
        timers, legs, lookouts = tables.timers(), runtime.legs(), runtime.lookouts()
        _tell(reconcile(timers, resender, legs, lookouts, now, apart))
    apart.settle("things that are due")


def _tell(done: Reconciled) -> None:
    if done.begun:
        logger.info("legs began", extra={"begun": done.begun})
    if done.came:
        logger.info("occasions came", extra={"events": done.came})
    if done.given_up or done.sent_again:
        logger.warning(
            "outcomes unknown", extra={"given_up": done.given_up, "sent_again": done.sent_again}
        )
        count("MessagesGivenUp", done.given_up)
        count("MessagesSentAgain", done.sent_again)


warm(tables.timers, runtime.legs, runtime.crowd, core.clock)
