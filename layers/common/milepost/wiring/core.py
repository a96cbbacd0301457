"""The adapters that all functions share. Built lazily, once per process."""

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from milepost.wiring.clock import Clock, parse_clock
from milepost.wiring.environment import FunctionSettings, read_settings

if TYPE_CHECKING:
    from milepost.aws.table import Table
    from milepost.outbound.aws import SnsAlerts
    from milepost.outbound.https import HttpsOutbound
    from milepost.published.dynamodb import DynamoPublished
    from milepost.runtime.aws import StepFunctionsEngine
    from milepost.stores.aws import SsmSecrets


@cache
def settings() -> FunctionSettings:
    return read_settings()


@cache
def clock() -> Clock:
    return parse_clock(settings().clock)


@cache
def client(service: Any) -> Any:
    """A client of an AWS service. The SES client makes one attempt only (see `sending/aws.py`)."""
    import boto3
    from botocore.config import Config

    if service == "sesv2":
        from milepost.aws.config import ONE_ATTEMPT

        return boto3.client(service, config=ONE_ATTEMPT)
    if service == "lambda":
        # This client only invokes a function that sends: the call is slow and must not be repeated.
        slow_call = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=65)
        return boto3.client(service, config=slow_call)
    return boto3.client(
        service,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 4},
            parameter_validation=False,  # a tenth of a call's CPU; contract tests check shapes
            connect_timeout=2,
            read_timeout=10,
            max_pool_connections=20,
        ),
    )


def table(name: str) -> "Table":
    from milepost.aws.table import Table

    return Table(client("dynamodb"), name)


def cache_duration() -> timedelta:
    """How long functions cache what they have read about a store, in real time."""
    return timedelta(seconds=float(settings().cache_seconds))


@cache
def published() -> "DynamoPublished":
    from milepost.published.dynamodb import DynamoPublished

    return DynamoPublished(table(settings().workflows_table), clock().wire_now, cache_duration())


@cache
def secrets() -> "SsmSecrets":
    from milepost.stores.aws import SsmSecrets

    return SsmSecrets(client("ssm"), settings().stack, clock().wire_now)


@cache
def engine() -> "StepFunctionsEngine":
    from milepost.runtime.aws import StepFunctionsEngine

    return StepFunctionsEngine(client("stepfunctions"), settings().state_machine_arn_prefix)


@cache
def outbound() -> "HttpsOutbound":
    from milepost.outbound.https import HttpsOutbound

    return HttpsOutbound()


@cache
def alerts() -> "SnsAlerts":
    from milepost.outbound.aws import SnsAlerts

    return SnsAlerts(client("sns"), settings().alarm_topic)
