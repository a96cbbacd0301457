"""One JSON logger and one set of metrics. Neither ever gets an address, a name or a token."""

from traceback import format_tb
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

if TYPE_CHECKING:
    from milepost.sending.counts import StepCounts, WorkflowCounts


class TracebackWithoutValues(LambdaPowertoolsFormatter):
    """Says where something broke and what kind of error it was, but not in the error's own words.

    Those quote what was being worked on: a ValueError the text, a validation the whole input.
    """

    def formatException(self, ei: Any) -> str:
        return f"{''.join(format_tb(ei[2]))}{ei[0].__name__}"


logger = Logger(
    service="milepost", logger_formatter=TracebackWithoutValues(serialize_stacktrace=False)
)
metrics = Metrics(namespace="Milepost", service="milepost")


def counted(store: str, workflow: str, numbers: "WorkflowCounts") -> None:
    """What the nightly count of a workflow came to, and an alarm for each step that is wrong."""
    from milepost.sending.counts import tell_unbalanced

    names = ("decided", "sent", "skipped", "failed", "unknown")
    totals = {name: sum(getattr(n, name) for n in numbers.steps.values()) for name in names}
    where = {"store": store, "workflow": workflow}
    logger.info("workflow counted", extra={**where, "entered": numbers.entered, **totals})
    with logger.append_context_keys(**where):
        tell_unbalanced(numbers, report_unbalanced)


def report_unbalanced(step: str, numbers: "StepCounts") -> None:
    """Sent, skipped, failed and unknown must come to what was decided: the `Alarm` of numbers."""
    found = {"off": numbers.unaccounted, "missing": numbers.missing, "extra": numbers.extra}
    logger.error("counts unbalanced", extra={"step": step, **found})
    count_metric("CountsUnbalanced", numbers.unaccounted)


def count_metric(name: str, number: int = 1) -> None:
    """Count something, at once, without a dimension per store: custom metrics are paid for each."""
    from aws_lambda_powertools.metrics import MetricUnit

    metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)
    metrics.flush_metrics()
