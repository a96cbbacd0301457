"""An emulator for the tests of this folder, and a mail server with an in-memory account."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from local import ports
from local.aws import ACCOUNT, REGION, Clients
from local.clock import parse_clock
from local.ses.events import MATCHING_TYPES
from local.ses.identities import ConfigurationSet, Destination, Identity
from local.ses.service import MAX_PER_DAY, SendingRate
from local.stack.mail_server import MailServer, build_mail_server
from local.stack.ministack import Emulator
from local.stack.web_server import WebServer

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:feedback"
CLOCK = "2026-11-22T09:00:00Z@1"


@dataclass(frozen=True)
class Account:
    """An empty account on the emulator, and helpers to create resources in it."""

    aws: Clients

    def role(self, name: str, *statements: dict[str, Any]) -> str:
        """A role for Lambda and Step Functions with exactly these permissions."""
        trust = {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
                    "Action": "sts:AssumeRole",
                }
            ]
        }
        made = self.aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        if statements:
            policy = {"Version": "2012-10-17", "Statement": list(statements)}
            self.aws.iam.put_role_policy(
                RoleName=name, PolicyName="only", PolicyDocument=json.dumps(policy)
            )
        return made["Role"]["Arn"]

    def layer(self, name: str, **modules: str) -> str:
        """A layer with these modules; returns the ARN of its version."""
        files = {f"python/{module}.py": code for module, code in modules.items()}
        made = self.aws.awslambda.publish_layer_version(
            LayerName=name, Content={"ZipFile": zipped(files)}
        )
        return made["LayerVersionArn"]

    def function(
        self, name: str, code: str, *statements: dict[str, Any], layers: Sequence[str] = ()
    ) -> str:
        """A Lambda function with the module `code` and a role of its own; returns its ARN."""
        made = self.aws.awslambda.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=self.role(f"{name}-role", *statements),
            Handler="app.handler",
            Code={"ZipFile": zipped({"app.py": code})},
            Layers=layers,
            Timeout=30,
        )
        return made["FunctionArn"]

    def invoke(self, name: str, event: object) -> Any:
        answer = self.aws.awslambda.invoke(FunctionName=name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def zipped(files: Mapping[str, str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        for name, content in files.items():
            writing.writestr(name, content)
    return archive.getvalue()


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with Emulator(tmp_path_factory.mktemp("emulator"), auth=True, port=0) as emulator:
        emulator.start()
        yield Account(Clients(emulator.url))


@dataclass
class AccountInMemory:
    """An account with one verified domain and one configuration set that publishes all events."""

    identities: dict[str, Identity] = field(
        default_factory=lambda: {"shop.example": Identity(verified=True)}
    )
    sets: dict[str, ConfigurationSet] = field(
        default_factory=lambda: {
            "milepost": ConfigurationSet(
                "milepost", True, (Destination(TOPIC, frozenset(MATCHING_TYPES.values())),)
            )
        }
    )

    def identity(self, name: str) -> Identity | None:
        return self.identities.get(name)

    def configuration_set(self, name: str) -> ConfigurationSet | None:
        return self.sets.get(name)


@dataclass
class Topic:
    """Stands in for the SNS client and keeps what is published."""

    published: list[dict[str, Any]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def publish(self, *, TopicArn: str, Message: str, Subject: str) -> None:
        assert TopicArn == TOPIC
        assert Subject
        with self.arrived:
            self.published.append(json.loads(Message))
            self.arrived.notify_all()

    def kinds(self) -> list[str]:
        return [event["eventType"] for event in self.published]

    def wait_for(self, *kinds: str) -> list[dict[str, Any]]:
        """Wait until the published events have these kinds; return them."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.kinds() == list(kinds), 5), self.kinds()
            return list(self.published)


@dataclass
class Post:
    """A running mail server, its account, its topic, and clients for it."""

    server: MailServer
    account: AccountInMemory
    topic: Topic
    url: str
    http: httpx.Client
    aws: Clients

    def send(self, **changes: Any) -> str:
        """Send a valid mail with some fields changed; returns its message id."""
        request = {
            "FromEmailAddress": "Shop <post@shop.example>",
            "Destination": {"ToAddresses": ["ada@mail.example"]},
            "ConfigurationSetName": "milepost",
            "Content": simple(),
            **changes,
        }
        return self.aws.ses.send_email(**request)["MessageId"]

    def json(self, method: str, path: str, document: object = None) -> Any:
        return self.http.request(method, path, json=document).json()


def simple(**changes: Any) -> Any:
    body = {
        "Html": {"Data": "<p><a href='https://shop.example/a'>A</a></p>", "Charset": "UTF-8"},
        "Text": {"Data": "A: https://shop.example/a", "Charset": "UTF-8"},
    }
    content = {"Subject": {"Data": "Hello", "Charset": "UTF-8"}, "Body": body, **changes}
    return {"Simple": content}


@pytest.fixture(scope="session")
def running_post() -> Iterator[Post]:
    account, topic = AccountInMemory(), Topic()
    server = build_mail_server(account, topic, parse_clock(CLOCK))  # type: ignore[arg-type]
    listener = ports.listen(0)
    url = f"http://127.0.0.1:{ports.port_of(listener)}"
    served = WebServer(server.app, listener, "mail server")
    aws = Clients(url)
    with httpx.Client(base_url=url, trust_env=False) as http:
        yield Post(server, account, topic, url, http, aws)
    aws.close()
    served.stop()
    server.publisher.stop()


@pytest.fixture
def post(running_post: Post) -> Post:
    """The mail server in its state after the start."""
    server, fresh = running_post.server, AccountInMemory()
    running_post.account.identities = fresh.identities
    running_post.account.sets = fresh.sets
    server.publisher.settle()
    server.mailbox.clear()
    server.faults.clear()
    server.outcomes.clear()
    server.service.rate = SendingRate()
    server.service.daily_quota = MAX_PER_DAY
    server.service.control = SendingRate(1.0)
    server.service.sending_enabled = True
    running_post.topic.published.clear()
    return running_post
