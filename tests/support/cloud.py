"""One stack in an in-memory AWS account (moto), against which the handlers run.

Use it through the fixtures `cloud` (one account for a test module) and `shop` (a new store for each
test) of `tests/conftest.py`.
"""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from itertools import count
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends
from moto.ssm.models import ssm_backends
from samtranslator.yaml_helper import yaml_parse

from milepost.base.signatures import sign_body
from milepost.handlers.log import logger
from milepost.sending.links import UnsubscribeLink, sign_unsubscribe_link
from milepost.wiring import core, publishing
from tests.support.aws_events import posted, streamed
from tests.support.mailer import FakeSes
from tests.support.template import TEMPLATE

ACCOUNT = "123456789012"
REGION = "us-east-1"
STACK = "milepost"
BUCKET = "milepost-files"
STATES = f"arn:aws:states:{REGION}:{ACCOUNT}"
LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-"
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION,
    "MILEPOST_STACK": STACK,
    "MILEPOST_CONTACTS_TABLE": "milepost-contacts",
    "MILEPOST_WORKFLOWS_TABLE": "milepost-workflows",
    "MILEPOST_RETENTION_DAYS": "400",
    "MILEPOST_CACHE_SECONDS": "0",
    "MILEPOST_BUCKET": BUCKET,
    "MILEPOST_CONFIGURATION_SET": STACK,
    "MILEPOST_SENDER": "post@mail.harborline.example",
    "MILEPOST_PUBLIC_URL": "https://links.harborline.example",
    "MILEPOST_STATE_MACHINE_ARN_PREFIX": f"{STATES}:stateMachine:{STACK}_",
    "MILEPOST_STATE_MACHINE_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/milepost-machines",
    "MILEPOST_RUN_STEPS_ARN": f"{LAMBDA}run-steps",
    "MILEPOST_AWAIT_EVENT_ARN": f"{LAMBDA}await-event",
    "MILEPOST_BACKFILL_STATE_MACHINE_ARN": f"{STATES}:stateMachine:{STACK}-looks",
    "MILEPOST_PRIVACY_QUEUE": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/milepost-privacy",
    "MILEPOST_DEAD_LETTERS": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/milepost-letters",
}

EMAIL = "wren.canary@mail.example"
FIRST_NAME = "Wrenkanari"
PHONE = "+4915777000123"
PERSONAL = ("canary", "wrenkanari", "4915777000123")
"""Parts of the person's data in lower case. None of them may appear in a log."""

Handler = Callable[[Any, Any], Any]
Item = dict[str, Any]
_numbers = count(1)


@dataclass(frozen=True)
class Shop:
    """One store with its keys. `settings` are its published settings."""

    store: str
    cloud: "Cloud"
    signing: str
    bearer: str
    shopify: str
    links: str

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.signing, self.bearer, self.shopify, self.links)

    def request(
        self,
        body: Any,
        *,
        key: str | None = None,
        at: datetime | None = None,
        headers: Mapping[str, str] | None = None,
        as_base64: bool = False,
    ) -> Item:
        """A signed POST to `/v1/{store}/events`; `body` is JSON data, text or bytes."""
        raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else None
        if raw is None:
            raw = json.dumps(body).encode()
        signature = sign_body(raw, key or self.signing, at or datetime.now(UTC))
        given = {"milepost-signature": signature} if headers is None else headers
        return posted("events.post", raw, given, as_base64=as_base64, store=self.store)

    def token(self, contact: str = "c" + "0" * 25, topic: str = "offers", message: str = "") -> str:
        claim = UnsubscribeLink(self.store, contact, topic, message or f"{contact}-{'1' * 24}")
        return sign_unsubscribe_link(claim, self.links)

    def settings(self, **changes: Any) -> None:
        """Publish the default settings with some changes."""
        document = {
            "name": "Harborline",
            "url": "https://shop.harborline.example/",
            "postal_address": "1 Quay Street, Bergen",
            "timezone": "Europe/Oslo",
            "default_locale": "en",
            "locales": ["en"],
            "topics": {"offers": "Offers", "news": "News"},
            "shop_topics": ["offers", "news"],
            **changes,
        }
        publishing.publisher().publications.apply_settings(self.store, document)

    def items(self, prefix: str = "") -> list[Item]:
        """The store's items in the contacts table whose sort key has this prefix."""
        return [
            item
            for item in self.cloud.contacts(f"S#{self.store}#")
            if item["sk"]["S"].startswith(prefix)
        ]

    def events(self, name: str = "") -> list[Item]:
        return sorted(self.items(f"EVENT#{name}"), key=lambda item: item["sk"]["S"])


@dataclass
class Cloud:
    """The account. `post` receives the mails that `run_steps` submits to SES."""

    dynamodb: Any
    s3: Any
    states: Any
    post: FakeSes = field(default_factory=FakeSes)
    _sequence: Iterator[int] = field(default_factory=lambda: count(1))

    def open_shop(self, **keys: str | None) -> Shop:
        """A new store. A key given as None is not configured."""
        number = next(_numbers)
        store = f"shop-{number}"
        shop = Shop(
            store,
            self,
            *(f"{kind}-canary-{number:04d}" for kind in ("sign", "bear", "shopify", "link")),
        )
        parameters: dict[str, str | None] = {
            "signing-key": shop.signing,
            "bearer-key-sha256": sha256(shop.bearer.encode()).hexdigest(),
            "shopify-secret": shop.shopify,
            "link-key": shop.links,
            **{name.replace("_", "-"): value for name, value in keys.items()},
        }
        for name, value in parameters.items():
            if value is not None:
                _keep_parameter(f"/{STACK}/{store}/{name}", value)
        return shop

    def contacts(self, prefix: str = "") -> list[Item]:
        """The items whose partition key has this prefix."""
        return _stored("contacts", prefix)

    def workflows(self, prefix: str = "") -> list[Item]:
        return _stored("workflows", prefix)

    def stream(self, *items: Item) -> Item:
        """The stream's batch for just inserted items; sequence numbers only rise."""
        batch = streamed(*items)
        for record in batch["Records"]:
            position = int(record["dynamodb"]["SequenceNumber"]) + 1000 * next(self._sequence)
            record["dynamodb"]["SequenceNumber"] = f"{position:030d}"
        return batch

    def executions(self, machine: str) -> list[Item]:
        """The executions of a state machine (its ARN without a version)."""
        names = self.states.list_executions(stateMachineArn=machine)["executions"]
        return [self.states.describe_execution(executionArn=each["executionArn"]) for each in names]


# These two call moto directly instead of the API: every test uses them, and an API call takes 6 ms.


def _keep_parameter(name: str, value: str) -> None:
    ssm_backends[ACCOUNT][REGION].put_parameter(
        name=name,
        description="",
        value=value,
        parameter_type="SecureString",
        allowed_pattern="",
        keyid="alias/aws/ssm",
        overwrite=False,
        tags=[],
        data_type="text",
        tier="Standard",
        policies=None,
    )


def _stored(table: str, prefix: str) -> list[Item]:
    held = dynamodb_backends[ACCOUNT][REGION].tables[f"{STACK}-{table}"].items
    return [
        item.to_json()["Attributes"]
        for key, collection in held.items()
        if key.value.startswith(prefix)
        for item in collection.values()
    ]


class _States:
    """moto's Step Functions plus what it lacks: starting a published version."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.answered: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def start_execution(self, *, stateMachineArn: str, **request: Any) -> Any:
        machine, _, version = stateMachineArn.rpartition(":")
        assert version.isdigit(), "only published versions are started"
        return self._client.start_execution(stateMachineArn=machine, **request)

    def send_task_success(self, *, taskToken: str, output: str) -> None:
        assert output == "{}"
        self.answered.append(taskToken)


@contextmanager
def open_cloud() -> Iterator[Cloud]:
    """The account with the deployed stack; the handlers' clients are created inside it."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        cloud = Cloud(
            boto3.client("dynamodb"),
            boto3.client("s3"),
            _States(boto3.client("stepfunctions")),
        )
        for name, resource in (("contacts", "ContactsTable"), ("workflows", "WorkflowsTable")):
            cloud.dynamodb.create_table(TableName=f"{STACK}-{name}", **_table(resource))
        cloud.s3.create_bucket(Bucket=BUCKET)
        cloud.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        boto3.client("sqs").create_queue(QueueName="milepost-privacy")
        boto3.client("sqs").create_queue(QueueName="milepost-letters")
        sqs = boto3.client("sqs")
        for name in ("import", "export"):
            queue = sqs.create_queue(QueueName=f"{STACK}-{name}")
            patch.setenv(f"MILEPOST_{name.upper()}_QUEUE", queue["QueueUrl"])
        _forget()
        real = core.client
        special = {"sesv2": cloud.post, "stepfunctions": cloud.states}
        patch.setattr(core, "client", lambda name: special.get(name) or real(name))
        yield cloud
        _forget()


def _forget() -> None:
    """Empty the caches of the composition root, as in a new process."""
    rooms = (
        sys.modules[name] for name in tuple(sys.modules) if name.startswith("milepost.wiring.")
    )
    for part in (part for room in rooms for part in vars(room).values()):
        clear = getattr(part, "cache_clear", None)
        if clear is not None:
            clear()


@cache
def _resources() -> Any:
    return yaml_parse(TEMPLATE.read_text())["Resources"]


def _table(resource: str) -> Any:
    """Create the table that template.yaml describes."""
    properties = _resources()[resource]["Properties"]
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    return {name: properties[name] for name in wanted if name in properties}


@dataclass
class Printed:
    """Everything that the functions printed during the test: log lines and metrics."""

    capture: pytest.CaptureFixture[str]
    secrets: list[str] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        out, err = self.capture.readouterr()
        self._lines += [*out.splitlines(), *err.splitlines()]
        return self._lines

    def records(self) -> list[Item]:
        return [json.loads(line) for line in self.lines() if line.startswith("{")]

    def counted(self, metric: str) -> float:
        """The sum of a CloudWatch metric in the embedded metric format."""
        return sum(
            sum(record[metric]) if isinstance(record[metric], list) else record[metric]
            for record in self.records()
            if "_aws" in record and metric in record
        )

    def forbid(self, *secrets: str) -> None:
        """Further texts that must not be printed, besides the personal data."""
        self.secrets += secrets

    def leaked(self) -> list[str]:
        forbidden = [*PERSONAL, *(secret.lower() for secret in self.secrets)]
        return [line for line in self.lines() if any(word in line.lower() for word in forbidden)]


class _StandardOutput:
    """Writes to the current `sys.stdout`; a logger keeps the stream of its construction."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


@contextmanager
def capture_prints(capsys: pytest.CaptureFixture[str]) -> Iterator[Printed]:
    """Collect logs and metrics, and assert at the end that they contain no forbidden text."""
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    before = handler.stream
    handler.stream = _StandardOutput()
    printed = Printed(capsys)
    try:
        yield printed
    finally:
        handler.stream = before
    assert printed.leaked() == []
