"""One JSON logger and one set of metrics. Neither ever gets an address, a name or a token."""

from traceback import format_tb
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

if TYPE_CHECKING:
    from milepost.sending.counts import StepCounts


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


def report_unbalanced(step: str, numbers: "StepCounts") -> None:
    """Sent, skipped, failed and unknown must come to what was decided: the `Alarm` of numbers."""
    logger.error("numbers do not add up", extra={"step": step, "missing": numbers.unaccounted})
    count_metric("CountsUnbalanced", abs(numbers.unaccounted))


def count_metric(name: str, number: int = 1) -> None:
    """Count something, at once, without a dimension per store: custom metrics are paid for each."""
    from aws_lambda_powertools.metrics import MetricUnit

    metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)
    metrics.flush_metrics()
