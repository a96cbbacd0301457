"""What the stack inspector reads from AWS, checked against botocore's service models."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from milepost_tools.doctor.aws import AwsStackInspector
from milepost_tools.doctor.ports import CannotAskError
from milepost_tools.doctor.sending import Account, Destination, Identity
from milepost_tools.doctor.stack import Alarm, Secret, StackResource

Json = dict[str, Any]


class Aws:
    """Clients with prepared answers, which are checked against the service models."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.stubs: dict[str, Stubber] = {}
        self.open = ExitStack()

    def client(self, service: str) -> Any:
        if service not in self.clients:
            keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
            made = boto3.client(service, region_name="us-east-1", **keys)  # type: ignore[call-overload]
            self.clients[service] = made
            self.stubs[service] = self.open.enter_context(Stubber(made))
        return self.clients[service]

    def answers(self, service: str, call: str, answer: Json, **asked: Any) -> None:
        self.client(service)
        self.stubs[service].add_response(call, answer, asked or None)

    def refuses(self, service: str, call: str, code: str) -> None:
        self.client(service)
        self.stubs[service].add_client_error(call, code)


@pytest.fixture
def aws() -> Iterator[Aws]:
    account = Aws()
    with account.open:
        yield account
        for stub in account.stubs.values():
            stub.assert_no_pending_responses()


@pytest.fixture
def inspector(aws: Aws) -> AwsStackInspector:
    return AwsStackInspector(aws.client, "milepost")


def test_stack_has_its_parameters_and_outputs(aws: Aws, inspector: AwsStackInspector) -> None:
    described = {
        "StackName": "milepost",
        "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        "StackStatus": "CREATE_COMPLETE",
        "Parameters": [{"ParameterKey": "SenderAddress", "ParameterValue": "a@b.example"}],
        "Outputs": [{"OutputKey": "ApiUrl", "OutputValue": "https://api.example"}],
    }
    aws.answers("cloudformation", "describe_stacks", {"Stacks": [described]})
    found = inspector.stack()
    assert found is not None
    assert found == (
        "CREATE_COMPLETE",
        {"SenderAddress": "a@b.example"},
        {"ApiUrl": "https://api.example"},
    )
    aws.refuses("cloudformation", "describe_stacks", "ValidationError")
    assert inspector.stack() is None


def test_state_of_each_table_and_function_is_read(aws: Aws, inspector: AwsStackInspector) -> None:
    kinds = {
        "Contacts": "DynamoDB::Table",
        "React": "Lambda::Function",
        "Look": "Lambda::Function",
        "Bucket": "S3::Bucket",
    }
    listed = [
        {
            "LogicalResourceId": name,
            "PhysicalResourceId": f"p-{name}",
            "ResourceType": f"AWS::{kind}",
            "ResourceStatus": "CREATE_COMPLETE",
            "LastUpdatedTimestamp": datetime(2026, 1, 1, tzinfo=UTC),
        }
        for name, kind in kinds.items()
    ]
    aws.answers("cloudformation", "list_stack_resources", {"StackResourceSummaries": listed})
    aws.answers(
        "dynamodb", "describe_table", {"Table": {"TableStatus": "ACTIVE"}}, TableName="p-Contacts"
    )
    aws.answers(
        "lambda", "get_function_configuration", {"State": "Pending"}, FunctionName="p-React"
    )
    aws.refuses("lambda", "get_function_configuration", "ResourceNotFoundException")
    assert inspector.parts() == [
        StackResource("Contacts", "table", "ACTIVE"),
        StackResource("React", "function", "Pending"),
        StackResource("Look", "function", ""),
    ]


def test_ses_answers_are_read_by_its_model(aws: Aws, inspector: AwsStackInspector) -> None:
    quota = {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 3.0}
    account = {
        "ProductionAccessEnabled": False,
        "SendingEnabled": True,
        "EnforcementStatus": "HEALTHY",
        "SendQuota": quota,
    }
    aws.answers("sesv2", "get_account", account)
    assert inspector.account() == Account(False, True, "HEALTHY", 1.0, 200.0, 3.0)
    identity = {
        "VerifiedForSendingStatus": True,
        "DkimAttributes": {"SigningEnabled": True, "Status": "SUCCESS", "Tokens": ["a", "b"]},
        "MailFromAttributes": {
            "MailFromDomain": "bounce.b.example",
            "MailFromDomainStatus": "PENDING",
            "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
        },
    }
    aws.answers("sesv2", "get_email_identity", identity, EmailIdentity="b.example")
    expected = Identity("b.example", True, "SUCCESS", ("a", "b"), "bounce.b.example", "PENDING")
    assert inspector.identity("b.example") == expected
    aws.refuses("sesv2", "get_email_identity", "NotFoundException")
    assert inspector.identity("c.example") is None
    destination = {
        "Name": "milepost",
        "Enabled": True,
        "MatchingEventTypes": ["SEND", "BOUNCE"],
        "SnsDestination": {"TopicArn": "arn"},
    }
    aws.answers(
        "sesv2",
        "get_configuration_set_event_destinations",
        {"EventDestinations": [destination]},
        ConfigurationSetName="milepost",
    )
    assert inspector.destinations("milepost") == [
        Destination(True, frozenset({"SEND", "BOUNCE"}), "arn")
    ]


def test_topic_queue_and_alarms_are_read(aws: Aws, inspector: AwsStackInspector) -> None:
    subscription = {"SubscriptionArn": "s", "Protocol": "sqs", "Endpoint": "queue-arn"}
    aws.answers(
        "sns", "list_subscriptions_by_topic", {"Subscriptions": [subscription]}, TopicArn="topic"
    )
    assert inspector.subscribers("topic") == {"queue-arn": "sqs"}
    aws.answers("sqs", "get_queue_attributes", {"Attributes": {"QueueArn": "queue-arn"}})
    assert inspector.queue_arn("url") == "queue-arn"
    aws.answers("sqs", "get_queue_attributes", {"Attributes": {"ApproximateNumberOfMessages": "7"}})
    assert inspector.waiting("url") == 7
    alarm = {"AlarmName": "milepost-a", "StateValue": "ALARM", "AlarmActions": ["topic"]}
    quiet = {"AlarmName": "milepost-b", "StateValue": "OK", "AlarmActions": []}
    aws.answers(
        "cloudwatch",
        "describe_alarms",
        {"MetricAlarms": [alarm, quiet]},
        AlarmNamePrefix="milepost-",
    )
    assert inspector.alarms() == [
        Alarm("milepost-a", "ALARM", True),
        Alarm("milepost-b", "OK", False),
    ]


def test_only_shape_of_secret_is_returned(aws: Aws, inspector: AwsStackInspector) -> None:
    key, digest = "canary-not-to-be-told-to-anybody-0", "ab" * 32
    parameters = [
        {"Name": "/milepost/acme/link-key", "Type": "SecureString", "Value": key},
        {"Name": "/milepost/acme/bearer-key-sha256", "Type": "String", "Value": digest},
        {"Name": "/milepost/bolt/link-key", "Type": "SecureString", "Value": key},
    ]
    aws.answers(
        "ssm",
        "get_parameters_by_path",
        {"Parameters": parameters},
        Path="/milepost",
        Recursive=True,
        WithDecryption=True,
    )
    found = inspector.secrets("/milepost")
    assert found == {
        "acme": [Secret("link-key", True, 34), Secret("bearer-key-sha256", False, 64, True)],
        "bolt": [Secret("link-key", True, 34)],
    }
    assert "canary" not in str(found)


def test_time_comes_from_date_header_of_aws(aws: Aws, inspector: AwsStackInspector) -> None:
    meta = {"HTTPHeaders": {"date": "Mon, 02 Nov 2026 12:00:00 GMT"}}
    aws.answers("sesv2", "get_account", {"ResponseMetadata": meta})
    assert inspector.time() == datetime(2026, 11, 2, 12, tzinfo=UTC)
    aws.answers("sesv2", "get_account", {"ResponseMetadata": {"HTTPHeaders": {}}})
    with pytest.raises(CannotAskError, match="does not say what time it is"):
        inspector.time()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDeniedException", "your credentials may not ses:GetAccount"),
        ("TooManyRequestsException", "ses:GetAccount: TooManyRequestsException"),
    ],
)
def test_failed_query_says_why(
    aws: Aws, inspector: AwsStackInspector, code: str, said: str
) -> None:
    aws.refuses("sesv2", "get_account", code)
    with pytest.raises(CannotAskError, match=said):
        inspector.account()


def test_network_error_raises_cannot_ask() -> None:
    class Down:
        def get_account(self) -> None:
            raise EndpointConnectionError(endpoint_url="https://email.example")

    with pytest.raises(CannotAskError, match="EndpointConnectionError"):
        AwsStackInspector(lambda _: Down(), "milepost").account()
