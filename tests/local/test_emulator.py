"""Each correction of local/emulator, on a running emulator with permissions enforced."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local.emulator import streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.conftest import Account


CALLER = """
import os, boto3
def handler(event, context):
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    try:
        call = getattr(boto3.client(event["service"], endpoint_url=endpoint), event["call"])
        call(**event["arguments"])
    except Exception as error:
        return type(error).__name__ + ": " + str(error)
    return "ok"
"""
ECHO = "def handler(event, context): return event"
FAIL = "def handler(event, context): raise RuntimeError('cannot')"


def allow(action: str, *resources: str, **condition: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": action, "Resource": list(resources)}
    return statement | ({"Condition": condition} if condition else {})


def until(condition: Callable[[], Any], patience: float = 15.0) -> Any:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def output(account: Account, execution: str) -> dict[str, Any]:
    """The end of an execution: its status and its parsed output."""

    def ended() -> dict[str, Any] | None:
        state = account.aws.stepfunctions.describe_execution(executionArn=execution)
        return dict(state) if state["status"] != "RUNNING" else None

    end: dict[str, Any] = until(ended)
    return {"status": end["status"], "output": json.loads(end.get("output") or "null")}


def ending_in(result: str, wait: int) -> str:
    states = {
        "W": {"Type": "Wait", "Seconds": wait, "Next": "P"},
        "P": {"Type": "Pass", "Result": result, "End": True},
    }
    return json.dumps({"StartAt": "W", "States": states})


def test_execution_runs_version_it_was_started_with(account: Account) -> None:
    sfn = account.aws.stepfunctions
    role = account.role("versions")
    made = sfn.create_state_machine(
        name="versions", definition=ending_in("one", 0), roleArn=role, publish=True
    )
    machine, first = made["stateMachineArn"], made["stateMachineVersionArn"]
    before = sfn.start_execution(stateMachineArn=first, name="before", input="{}")
    unversioned = sfn.start_execution(stateMachineArn=machine, name="plain", input="{}")
    second = sfn.update_state_machine(
        stateMachineArn=machine, definition=ending_in("two", 0), publish=True
    )["stateMachineVersionArn"]
    old = sfn.start_execution(stateMachineArn=first, name="old", input="{}")
    new = sfn.start_execution(stateMachineArn=second, name="new", input="{}")

    assert output(account, before["executionArn"])["output"] == "one"
    assert output(account, unversioned["executionArn"])["output"] == "one"
    assert output(account, old["executionArn"])["output"] == "one"
    assert output(account, new["executionArn"])["output"] == "two"


def test_repeated_start_of_running_execution_is_same_execution(account: Account) -> None:
    sfn = account.aws.stepfunctions
    machine = sfn.create_state_machine(
        name="repeated", definition=ending_in("done", 1), roleArn=account.role("repeated")
    )["stateMachineArn"]
    first = sfn.start_execution(stateMachineArn=machine, name="e", input='{"a":1}')
    again = sfn.start_execution(stateMachineArn=machine, name="e", input='{"a":1}')

    assert again["executionArn"] == first["executionArn"]
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        sfn.start_execution(stateMachineArn=machine, name="e", input='{"a":2}')
    output(account, first["executionArn"])
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        sfn.start_execution(stateMachineArn=machine, name="e", input='{"a":1}')


def waiting_for(function: str) -> str:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "TimeoutSeconds": 60,
        "Parameters": {"FunctionName": function, "Payload": {"token.$": "$$.Task.Token"}},
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "P"}],
        "End": True,
    }
    return json.dumps({"StartAt": "T", "States": {"T": task, "P": {"Type": "Pass", "End": True}}})


def test_task_token_is_accepted_only_from_role_naming_its_machine(account: Account) -> None:
    aws = account.aws
    aws.dynamodb.create_table(
        TableName="tokens",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    keeper = (
        "import boto3\n"
        "def handler(event, context):\n"
        "  item = {'pk': {'S': 'token'}, 'value': {'S': event['token']}}\n"
        "  boto3.client('dynamodb').put_item(TableName='tokens', Item=item)\n"
    )
    table = account.arn("dynamodb", "table/tokens")
    park = account.function("park", keeper, allow("dynamodb:PutItem", table))
    send = "states:SendTaskSuccess"
    ours = account.arn("states", "stateMachine:shop-*")
    account.function("ours", CALLER, allow(send, ours))
    account.function("theirs", CALLER, allow(send, account.arn("states", "stateMachine:other-*")))
    machine = aws.stepfunctions.create_state_machine(
        name="shop-token", definition=waiting_for(park), roleArn=account.role("shop-token")
    )["stateMachineArn"]
    started = aws.stepfunctions.start_execution(stateMachineArn=machine, input="{}")

    def token() -> str | None:
        item = aws.dynamodb.get_item(TableName="tokens", Key={"pk": {"S": "token"}}).get("Item")
        return item["value"]["S"] if item else None

    answer = {
        "service": "stepfunctions",
        "call": "send_task_success",
        "arguments": {"taskToken": until(token), "output": '{"by": "ours"}'},
    }
    assert "AccessDenied" in account.invoke("theirs", answer)
    assert account.invoke("ours", answer) == "ok"
    assert output(account, started["executionArn"])["output"] == {"by": "ours"}
    assert "TaskDoesNotExist" in account.invoke("ours", answer)


def test_failing_function_fails_state_waiting_for_token(account: Account) -> None:
    sfn = account.aws.stepfunctions
    machine = sfn.create_state_machine(
        name="failing",
        definition=waiting_for(account.function("failing", FAIL)),
        roleArn=account.role("failing"),
    )["stateMachineArn"]
    started = sfn.start_execution(stateMachineArn=machine, input="{}")

    end = output(account, started["executionArn"])

    assert end["status"] == "SUCCEEDED"
    assert "cannot" in end["output"]["error"]["Cause"]


def test_secrets_are_readable_only_below_path_in_role(account: Account) -> None:
    account.aws.ssm.put_parameter(Name="/shop/acme/key", Value="secret", Type="SecureString")
    action = "ssm:GetParametersByPath"
    account.function("reader", CALLER, allow(action, account.arn("ssm", "parameter/shop/*")))

    def read(path: str) -> Any:
        arguments = {"Path": path, "WithDecryption": True}
        event = {"service": "ssm", "call": "get_parameters_by_path", "arguments": arguments}
        return account.invoke("reader", event)

    assert read("/shop/acme/") == "ok"
    assert read("/shop/acme") == "ok"
    assert "AccessDenied" in read("/other/acme/")


def test_sending_needs_role_with_identity_config_set_and_sender(
    account: Account,
) -> None:
    account.aws.ses_control.create_email_identity(EmailIdentity="shop.example")
    account.aws.ses_control.create_configuration_set(ConfigurationSetName="mail")
    identity = account.arn("ses", "identity/shop.example")
    mail = account.arn("ses", "configuration-set/mail")
    sender = {"StringEquals": {"ses:FromAddress": "post@shop.example"}}
    account.function("sender", CALLER, allow("ses:SendEmail", identity, mail, **sender))
    account.function("unset", CALLER, allow("ses:SendEmail", identity, **sender))

    def send(function: str, source: str = "Shop <post@shop.example>") -> Any:
        arguments = {
            "FromEmailAddress": source,
            "Destination": {"ToAddresses": ["reader@mail.example"]},
            "ConfigurationSetName": "mail",
            "Content": {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
        }
        event = {"service": "sesv2", "call": "send_email", "arguments": arguments}
        return account.invoke(function, event)

    assert send("sender") == "ok"
    assert "configuration-set/mail" in send("unset")
    assert "AccessDenied" in send("sender", "boss@shop.example")
    assert "identity/rival.example" in send("sender", "post@rival.example")


def test_get_account_needs_a_role_that_allows_it(account: Account) -> None:
    account.function("asker", CALLER, allow("ses:GetAccount", "*"))
    account.function("stranger", CALLER, allow("ses:SendEmail", "*"))
    event = {"service": "sesv2", "call": "get_account", "arguments": {}}
    assert account.invoke("asker", event) == "ok"
    assert "AccessDenied" in account.invoke("stranger", event)


def test_role_limited_to_leading_keys_can_reserve_send_slots(account: Account) -> None:
    """Unlike AWS, the emulator does not check leading keys: it must not refuse what AWS allows."""
    account.aws.dynamodb.create_table(
        TableName="taken",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    only = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["SENDRATE*", "SESLIMITS"]}}
    table = account.arn("dynamodb", "table/taken")
    account.function("taker", CALLER, allow("dynamodb:UpdateItem", table, **only))
    arguments = {"TableName": "taken", "Key": {"pk": {"S": "SENDRATE#0"}}}
    event = {"service": "dynamodb", "call": "update_item", "arguments": arguments}
    assert account.invoke("taker", event) == "ok"


def test_tls_only_bucket_is_readable_over_loopback(
    account: Account,
) -> None:
    aws = account.aws
    aws.s3.create_bucket(Bucket="files")
    aws.s3.put_object(Bucket="files", Key="a", Body=b"a")
    everything = "arn:aws:s3:::files/*"
    refusal = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": everything,
        "Condition": {"Bool": {"aws:SecureTransport": False}},
    }
    policy = {"Version": "2012-10-17", "Statement": [refusal]}
    aws.s3.put_bucket_policy(Bucket="files", Policy=json.dumps(policy))
    account.function("opener", CALLER, allow("s3:GetObject", everything))
    event = {
        "service": "s3",
        "call": "get_object",
        "arguments": {"Bucket": "files", "Key": "a"},
    }

    assert account.invoke("opener", event) == "ok"


def test_failing_stream_record_is_dead_lettered_and_rest_continues(
    account: Account,
) -> None:
    aws = account.aws
    stream = aws.dynamodb.create_table(
        TableName="events",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    done = aws.sqs.create_queue(QueueName="done")["QueueUrl"]
    aside = aws.sqs.create_queue(QueueName="aside")["QueueUrl"]
    reporter = f"""
import boto3
sqs = boto3.client("sqs")
def handler(event, context):
    failures = []
    for record in event["Records"]:
        key = record["dynamodb"]["Keys"]["pk"]["S"]
        if key == "bad":
            failures.append({{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}})
            break
        sqs.send_message(QueueUrl="{done}", MessageBody=key)
    return {{"batchItemFailures": failures}}
"""
    account.function("reporter", reporter, allow("sqs:SendMessage", account.arn("sqs", "done")))
    for key in ("a", "bad", "b", "c"):
        aws.dynamodb.put_item(TableName="events", Item={"pk": {"S": key}})
    aws.awslambda.create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName="reporter",
        StartingPosition="TRIM_HORIZON",
        FunctionResponseTypes=["ReportBatchItemFailures"],
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": account.arn("sqs", "aside")}},
    )

    def received(queue: str) -> list[str]:
        messages = aws.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        return [message["Body"] for message in messages.get("Messages", [])]

    keys: list[str] = []

    def all_done() -> bool:
        keys.extend(received(done))
        return len(keys) >= 3

    until(all_done)
    given_up = json.loads(until(lambda: received(aside))[0])

    assert sorted(keys) == ["a", "b", "c"]
    assert given_up["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert given_up["DDBStreamBatchInfo"]["batchSize"] == 1


def test_layer_is_unpacked_once_for_all_functions(account: Account) -> None:
    where = (
        "import os, shared\ndef handler(event, context): return os.path.realpath(shared.__file__)"
    )
    layer = account.layer("common", shared="VALUE = 1")
    account.function("mounts", where, layers=[layer])
    account.function("mounts-too", where, layers=[layer])

    assert account.invoke("mounts", {}) == account.invoke("mounts-too", {})


def records(*numbers: int) -> list[dict[str, Any]]:
    return [{"dynamodb": {"SequenceNumber": f"{number:030d}"}} for number in numbers]


def numbers_of(part: list[dict[str, Any]]) -> list[int]:
    return [int(record["dynamodb"]["SequenceNumber"]) for record in part]


def test_raising_batch_is_split_until_only_bad_record_fails() -> None:
    sent: list[list[int]] = []
    given_up: list[list[int]] = []
    mapping = {"BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 0}

    def send(part: list[dict[str, Any]]) -> dict[str, Any]:
        sent.append(numbers_of(part))
        return {"error": 3 in numbers_of(part)}

    result = streams.deliver(
        records(1, 2, 3, 4),
        mapping,
        streams.Progress(),
        send=send,
        give_up=lambda part, _: given_up.append(numbers_of(part)),
    )

    assert sent == [[1, 2, 3, 4], [1, 2], [3, 4], [3], [4]]
    assert given_up == [[3]]
    assert not result["error"]


def test_batch_without_retry_limit_resumes_at_failed_record() -> None:
    sent: list[list[int]] = []
    mapping = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
    progress = streams.Progress()

    def send(part: list[dict[str, Any]]) -> dict[str, Any]:
        sent.append(numbers_of(part))
        failing = [f"{2:030d}"] if len(sent) < 3 else []
        return {"body": {"batchItemFailures": [{"itemIdentifier": one} for one in failing]}}

    def give_up(*_: object) -> None:
        raise AssertionError("it must not give up")

    for _ in range(3):
        streams.deliver(records(1, 2, 3), mapping, progress, send=send, give_up=give_up)

    assert sent == [[1, 2, 3], [2, 3], [2, 3]]
