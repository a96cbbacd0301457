"""What the doctor reads from AWS. It changes nothing."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from milepost_tools.aws.cloudformation import find_stack, outputs_of, parameters_of
from milepost_tools.doctor.ports import CannotAskError
from milepost_tools.doctor.sending import Account, Destination, Identity
from milepost_tools.doctor.stack import Alarm, Secret, Stack, StackResource

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError"})
_HEX = frozenset("0123456789abcdef")
_TABLE, _FUNCTION = "AWS::DynamoDB::Table", "AWS::Lambda::Function"


@contextmanager
def _query(action: str) -> Iterator[None]:
    """Turn errors of AWS into CannotAskError: they say nothing about the stack."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _DENIED:
            raise CannotAskError(f"your credentials may not {action}") from error
        raise CannotAskError(f"{action}: {code}") from error
    except BotoCoreError as error:
        raise CannotAskError(f"{action}: {type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class AwsStackInspector:
    """Implements `StackInspector`. `client` returns a client by its service's name."""

    client: Callable[[str], Any]
    name: str

    def stack(self) -> Stack | None:
        with _query("cloudformation:DescribeStacks"):
            found = find_stack(self.client("cloudformation"), self.name)
        if found is None:
            return None
        return Stack(found["StackStatus"], parameters_of(found), outputs_of(found))

    def parts(self) -> Sequence[StackResource]:
        with _query("cloudformation:ListStackResources"):
            pages = self._pages("cloudformation", "list_stack_resources", StackName=self.name)
            resources = [each for page in pages for each in page["StackResourceSummaries"]]
        readers = {_TABLE: ("table", self._of_table), _FUNCTION: ("function", self._of_function)}
        found = []
        for each in resources:
            if each["ResourceType"] in readers:
                kind, read_state = readers[each["ResourceType"]]
                name = each["LogicalResourceId"]
                found.append(
                    StackResource(name, kind, read_state(each.get("PhysicalResourceId", "")))
                )
        return found

    def _of_table(self, name: str) -> str:
        with _query("dynamodb:DescribeTable"):
            try:
                found = self.client("dynamodb").describe_table(TableName=name)
            except ClientError as error:
                return self._gone(error)
        return str(found["Table"]["TableStatus"])

    def _of_function(self, name: str) -> str:
        with _query("lambda:GetFunctionConfiguration"):
            try:
                found = self.client("lambda").get_function_configuration(FunctionName=name)
            except ClientError as error:
                return self._gone(error)
        return str(found.get("State", "Active"))

    def _gone(self, error: ClientError) -> str:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return ""
        raise error

    def account(self) -> Account:
        with _query("ses:GetAccount"):
            found = self.client("sesv2").get_account()
        quota = found.get("SendQuota", {})
        return Account(
            production=bool(found.get("ProductionAccessEnabled")),
            sending=bool(found.get("SendingEnabled")),
            enforcement=found.get("EnforcementStatus", ""),
            rate=quota.get("MaxSendRate", 0.0),
            daily=quota.get("Max24HourSend", 0.0),
            sent=quota.get("SentLast24Hours", 0.0),
        )

    def identity(self, name: str) -> Identity | None:
        with _query("ses:GetEmailIdentity"):
            try:
                found = self.client("sesv2").get_email_identity(EmailIdentity=name)
            except ClientError as error:
                if error.response["Error"]["Code"] == "NotFoundException":
                    return None
                raise
        dkim, mail_from = found.get("DkimAttributes") or {}, found.get("MailFromAttributes") or {}
        return Identity(
            name=name,
            verified=bool(found.get("VerifiedForSendingStatus")),
            dkim=str(dkim.get("Status", "")) if dkim.get("SigningEnabled", True) else "",
            tokens=tuple(dkim.get("Tokens") or ()),
            mail_from=mail_from.get("MailFromDomain") or "",
            mail_from_state=mail_from.get("MailFromDomainStatus") or "",
        )

    def destinations(self, configuration_set: str) -> Sequence[Destination]:
        with _query("ses:GetConfigurationSetEventDestinations"):
            found = self.client("sesv2").get_configuration_set_event_destinations(
                ConfigurationSetName=configuration_set
            )
        return [
            Destination(
                bool(each.get("Enabled")),
                frozenset(each.get("MatchingEventTypes", ())),
                (each.get("SnsDestination") or {}).get("TopicArn", ""),
            )
            for each in found.get("EventDestinations", ())
        ]

    def subscribers(self, topic: str) -> Mapping[str, str]:
        with _query("sns:ListSubscriptionsByTopic"):
            pages = self._pages("sns", "list_subscriptions_by_topic", TopicArn=topic)
            found = [each for page in pages for each in page["Subscriptions"]]
        return {each["Endpoint"]: each["Protocol"] for each in found}

    def queue_arn(self, url: str) -> str:
        return str(self._of_queue(url, "QueueArn"))

    def waiting(self, url: str) -> int:
        return int(self._of_queue(url, "ApproximateNumberOfMessages"))

    def _of_queue(self, url: str, attribute: str) -> Any:
        with _query("sqs:GetQueueAttributes"):
            arguments: Any = {"QueueUrl": url, "AttributeNames": [attribute]}
            found = self.client("sqs").get_queue_attributes(**arguments)
        return found["Attributes"][attribute]

    def secrets(self, path: str) -> Mapping[str, Sequence[Secret]]:
        """Reads the values here and returns only their shapes."""
        stores: dict[str, list[Secret]] = defaultdict(list)
        with _query("ssm:GetParametersByPath"):
            pages = self._pages(
                "ssm", "get_parameters_by_path", Path=path, Recursive=True, WithDecryption=True
            )
            for page in pages:
                for each in page["Parameters"]:
                    store, _, name = each["Name"].removeprefix(f"{path}/").partition("/")
                    value = each["Value"]
                    secure = each["Type"] == "SecureString"
                    digits = bool(value) and {*value.lower()} <= _HEX
                    stores[store].append(Secret(name, secure, len(value), digits))
        return stores

    def alarms(self) -> Sequence[Alarm]:
        with _query("cloudwatch:DescribeAlarms"):
            pages = self._pages("cloudwatch", "describe_alarms", AlarmNamePrefix=f"{self.name}-")
            found = [each for page in pages for each in page.get("MetricAlarms", ())]
        return [
            Alarm(each["AlarmName"], each["StateValue"], bool(each.get("AlarmActions")))
            for each in found
        ]

    def time(self) -> datetime:
        with _query("ses:GetAccount"):
            headers = self.client("sesv2").get_account()["ResponseMetadata"]["HTTPHeaders"]
        try:
            return parsedate_to_datetime(headers["date"])
        except (KeyError, ValueError) as error:
            raise CannotAskError("the answer does not say what time it is") from error

    def _pages(self, service: str, operation: str, **arguments: Any) -> Iterator[Any]:
        yield from self.client(service).get_paginator(operation).paginate(**arguments)
