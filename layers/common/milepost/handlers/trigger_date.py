"""The scheduler: runs once a minute and does what is due."""

from time import monotonic
from typing import Any

from milepost.base.error_collector import ErrorCollector
from milepost.handlers.cold_start import preload
from milepost.handlers.log import count_metric, log_counts, logger
from milepost.runtime.aws import LambdaMessageRetrier
from milepost.runtime.nightly_counts import SECONDS
from milepost.runtime.scheduler import SchedulerResult, run_due
from milepost.wiring import core, runtime, tables


def handler(_: Any, __: Any) -> None:
    """Start backfills, start due executions, fire time triggers, and settle messages that have had
    no delivery report for 15 minutes.

    At night, count the workflows that changed, in the time that is left of half a minute.
    """
    began_at = monotonic()
    core.settings().need("run_steps_arn")
    retrier = LambdaMessageRetrier(core.client("lambda"), core.settings().run_steps_arn)
    now = core.clock().wire_now()
    errors = ErrorCollector()
    with errors:
        changed = runtime.version_rollout().advance(errors)
        if changed:
            logger.info("enrollments updated", extra={"changed": changed})
    with errors:
        started = runtime.backfill_scheduler().begin(errors)
        if started:
            logger.info("backfills started", extra={"stores": started})
    with errors:
        timers, starter, reevaluator = (
            tables.timers(),
            runtime.execution_starter(),
            runtime.reevaluator(),
        )
        _report(run_due(timers, retrier, starter, reevaluator, now, errors))
    with errors:
        runtime.nightly_counts().go_on(errors, began_at + SECONDS, log_counts)
    errors.raise_if_any("parts of the scheduler run")


def _report(done: SchedulerResult) -> None:
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


preload(tables.timers, runtime.execution_starter, runtime.version_rollout, core.clock)
