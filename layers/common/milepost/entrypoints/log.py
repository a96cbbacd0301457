"""One JSON logger and one set of metrics. Neither ever gets an address, a name or a token."""

from aws_lambda_powertools import Logger, Metrics

logger = Logger(service="milepost")
metrics = Metrics(namespace="Milepost", service="milepost")


def count(name: str, number: int = 1) -> None:
    """Count something, at once, without a dimension per store: custom metrics are paid for each."""
    from aws_lambda_powertools.metrics import MetricUnit

    metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)
    metrics.flush_metrics()
