"""A small template through everything: build, deploy, HTTP, mail, events, permissions."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from local.errors import LocalError
from local.stack.stack import LocalStack

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  SenderAddress: {Type: String}
  PublicUrl: {Type: String}
  Note: {Type: String}
Globals:
  Function:
    Runtime: python3.13
    Architectures: [arm64]
    Handler: app.handler
    Timeout: 20
    Environment:
      Variables: {SENDER: !Ref SenderAddress, SET: !Ref Mail, URL: !Ref PublicUrl, NOTE: !Ref Note}
Resources:
  Api: {Type: AWS::Serverless::HttpApi}
  Send:
    Type: AWS::Serverless::Function
    Metadata: {SkipBuild: true}
    Properties:
      CodeUri: function
      Role: !GetAtt SendRole.Arn
      Events:
        Post: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: POST, Path: "/v1/{store}/send"}}
  TriggerDateFunction:
    Type: AWS::Serverless::Function
    Metadata: {SkipBuild: true}
    Properties: {CodeUri: function, Role: !GetAtt SendRole.Arn, Handler: app.tick}
  TriggerScheduleFunction:
    Type: AWS::Serverless::Function
    Metadata: {SkipBuild: true}
    Properties: {CodeUri: function, Role: !GetAtt SendRole.Arn, Handler: app.tick}
  SendRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}
      Policies:
        - PolicyName: send
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: ses:SendEmail
                Resource:
                  - !Sub arn:aws:ses:${AWS::Region}:000000000000:identity/shop.example
                  - !Sub arn:aws:ses:${AWS::Region}:000000000000:configuration-set/${AWS::StackName}
                Condition: {StringEquals: {ses:FromAddress: !Ref SenderAddress}}
              - Effect: Allow
                Action: ses:GetAccount
                Resource: "*"
  Mail: {Type: AWS::SES::ConfigurationSet, Properties: {Name: !Ref AWS::StackName}}
  MailEvents:
    Type: AWS::SES::ConfigurationSetEventDestination
    Properties:
      ConfigurationSetName: !Ref Mail
      EventDestination:
        Enabled: true
        MatchingEventTypes: [SEND, DELIVERY, OPEN]
        SnsDestination: {TopicARN: !Ref Topic}
  Topic: {Type: AWS::SNS::Topic}
  Queue: {Type: AWS::SQS::Queue}
  QueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Queue]
      PolicyDocument:
        Statement:
          - Effect: Allow
            Principal: {Service: sns.amazonaws.com}
            Action: sqs:SendMessage
            Resource: !GetAtt Queue.Arn
            Condition: {ArnEquals: {aws:SourceArn: !Ref Topic}}
  Subscription:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref Topic, Protocol: sqs, Endpoint: !GetAtt Queue.Arn}
  Bucket: {Type: AWS::S3::Bucket}
Outputs:
  QueueUrl: {Value: !Ref Queue}
  BucketName: {Value: !Ref Bucket}
"""
FUNCTION = """
import json, os, boto3

def handler(event, context):
    asked = json.loads(event["body"])
    if "quota" in asked:
        said = boto3.client("sesv2").get_account()["SendQuota"]
        return {"statusCode": 200, "body": json.dumps(said)}
    html = "<a href='" + os.environ["URL"] + "'>x</a>"
    content = {"Subject": {"Data": "Hello"}, "Body": {"Html": {"Data": html}}}
    try:
        boto3.client("sesv2").send_email(
            FromEmailAddress=asked.get("from", os.environ["SENDER"]),
            Destination={"ToAddresses": [asked["to"]]},
            ConfigurationSetName=os.environ["SET"],
            EmailTags=[{"Name": "store", "Value": event["pathParameters"]["store"]}],
            Content={"Simple": content},
        )
    except Exception as error:
        return {"statusCode": 502, "body": json.dumps({"error": str(error)})}
    told = {"note": os.environ["NOTE"], "clock": os.environ["MILEPOST_CLOCK"]}
    return {"statusCode": 200, "body": json.dumps(told)}

def tick(event, context):
    if event.get("fail"):
        raise RuntimeError("no")
    return event["source"]
"""
CLOCK = "2026-11-22T09:00:00Z@2"

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    folder = tmp_path_factory.mktemp("project")
    (folder / "template.yaml").write_text(TEMPLATE)
    (folder / "samconfig.toml").write_text("this is not toml, and must not be read")
    (folder / "function").mkdir()
    (folder / "function" / "app.py").write_text(FUNCTION)
    with LocalStack(
        "small",
        run_folder=folder / "run",
        template=folder / "template.yaml",
        clock=CLOCK,
        parameters={"Note": 'two "words"'},
        inbox_port=0,
        api_port=0,
        emulator_port=0,
    ) as running:
        yield running


def send(stack: LocalStack, **asked: str) -> httpx.Response:
    return httpx.post(f"{stack.api_url}/v1/acme/send", json=asked, timeout=30)


def test_deployed_function_sends_mail_to_inbox(stack: LocalStack) -> None:
    answer = send(stack, to="ada@mail.example")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"note": 'two "words"', "clock": "2026-11-22T09:00:00.000Z@2"}

    found = httpx.get(f"{stack.inbox_url}/api/messages?to=ada@mail.example").json()["messages"]

    assert [mail["tags"] for mail in found] == [{"store": "acme"}]
    page = httpx.get(f"{stack.inbox_url}/messages/{found[0]['id']}").text
    assert stack.api_url in page


def test_deployed_function_reads_its_send_quota(stack: LocalStack) -> None:
    """The SES stand-in answers, not the emulator, which has an SES of its own."""
    quota = send(stack, quota="please").json()
    assert (quota["MaxSendRate"], quota["Max24HourSend"]) == (500, 1_000_000)


def test_delivery_events_reach_stack_queue(stack: LocalStack) -> None:
    stack.aws.sqs.purge_queue(QueueUrl=stack.outputs["QueueUrl"])
    send(stack, to="success@simulator.amazonses.com")
    kinds: list[str] = []
    deadline = time.monotonic() + 15
    while len(kinds) < 2 and time.monotonic() < deadline:
        received = stack.aws.sqs.receive_message(QueueUrl=stack.outputs["QueueUrl"])
        for message in received.get("Messages", []):
            kinds.append(json.loads(json.loads(message["Body"])["Message"])["eventType"])
            stack.aws.sqs.delete_message(
                QueueUrl=stack.outputs["QueueUrl"], ReceiptHandle=message["ReceiptHandle"]
            )

    assert sorted(kinds) == ["Delivery", "Send"]


def test_mail_not_allowed_by_role_is_denied(stack: LocalStack) -> None:
    answer = send(stack, to="ada@mail.example", **{"from": "boss@shop.example"})

    assert answer.status_code == 502
    assert "ses:SendEmail" in answer.json()["error"]
    assert "AccessDenied" in answer.json()["error"]


def test_emulator_account_decides_allowed_senders_and_config_sets(
    stack: LocalStack,
) -> None:
    def mail(**changes: str) -> None:
        stack.aws.ses.send_email(
            FromEmailAddress=changes.get("sender", "post@shop.example"),
            Destination={"ToAddresses": ["ada@mail.example"]},
            ConfigurationSetName=changes.get("set", "small"),
            Content={"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
        )

    mail()
    with pytest.raises(ClientError, match="MessageRejected"):
        mail(sender="post@rival.example")
    with pytest.raises(ClientError, match="NotFoundException"):
        mail(set="large")
    time.sleep(1)  # the account can be read once a second, and another test may just have done so
    assert stack.aws.ses.get_account()["SendingEnabled"]


def test_store_gets_its_secrets_and_files(stack: LocalStack, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.html").write_text("<p>a</p>")
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "w.json").write_text("{}")

    secrets = stack.add_store("acme")
    keys = stack.upload_store("acme", tmp_path)

    stored = stack.aws.ssm.get_parameters_by_path(Path="/small/acme/", WithDecryption=True)
    values = {one["Name"].rpartition("/")[2]: one["Value"] for one in stored["Parameters"]}
    assert values == secrets.parameters()
    assert secrets.bearer_key not in values.values()
    assert keys == ["acme/templates/a.html", "acme/workflows/w.json"]
    kept = stack.aws.s3.get_object(Bucket=stack.outputs["BucketName"], Key=keys[0])
    assert kept["ContentType"] == "text/html"


def test_tick_runs_scheduled_functions_and_failure_says_why(stack: LocalStack) -> None:
    stack.tick()
    with pytest.raises(LocalError, match=r"TriggerDateFunction failed.*no"):
        stack.invoke("TriggerDateFunction", {"source": "test", "fail": True})


def test_failed_deploy_leaves_nothing_running_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Resources: {")
    said: list[str] = []
    stack = LocalStack(
        run_folder=tmp_path / "run",
        template=tmp_path / "template.yaml",
        inbox_port=0,
        api_port=0,
        emulator_port=0,
        say=said.append,
    )

    with pytest.raises(LocalError, match=r"`sam build` failed.*sam-build\.log"):
        stack.start()

    assert said[-1].partition(":")[2].strip().startswith("failed in")
    assert not (tmp_path / "run" / "ministack.pid").exists()
    with pytest.raises(LocalError, match="not running"):
        _ = stack.aws
    with pytest.raises(LocalError, match="not running"):
        _ = stack.mail
