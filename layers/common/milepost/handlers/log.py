"""One JSON logger and one set of metrics. Neither ever receives an address, a name or a token."""

from collections.abc import Mapping
from traceback import format_tb
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

if TYPE_CHECKING:
    from milepost.sending.counts import StepCounts, WorkflowCounts


class TracebackWithoutValues(LambdaPowertoolsFormatter):
    """Formats a traceback with the error's type and position, but without its message.

    Messages quote the data: a ValueError its text, a validation error the whole input.
    """

    def formatException(self, ei: Any) -> str:
        return f"{''.join(format_tb(ei[2]))}{ei[0].__name__}"


logger = Logger(
    service="milepost", logger_formatter=TracebackWithoutValues(serialize_stacktrace=False)
)
metrics = Metrics(namespace="Milepost", service="milepost")


def log_counts(store: str, workflow: str, numbers: "WorkflowCounts") -> None:
    """Log the nightly counts of a workflow, and report each step whose counts do not add up."""
    from milepost.sending.counts import tell_unbalanced

    names = ("decided", "sent", "skipped", "failed", "unknown")
    totals = {name: sum(getattr(n, name) for n in numbers.steps.values()) for name in names}
    where = {"store": store, "workflow": workflow}
    logger.info("workflow counted", extra={**where, "entered": numbers.entered, **totals})
    tell_unbalanced(
        numbers, lambda step, counts: report_unbalanced({**where, "step": step}, counts)
    )


def report_unbalanced(where: Mapping[str, str], numbers: "StepCounts") -> None:
    """Log and count if sent + skipped + failed + unknown differs from the number of decisions."""
    found = {"off": numbers.unaccounted, "missing": numbers.missing, "extra": numbers.extra}
    logger.error("counts unbalanced", extra={**where, **found})
    count_metric("CountsUnbalanced", numbers.unaccounted)


def count_metric(name: str, number: int = 1) -> None:
    """Emit a metric immediately, without a dimension per store: AWS bills each custom metric."""
    from aws_lambda_powertools.metrics import MetricUnit

    metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)
    metrics.flush_metrics()
