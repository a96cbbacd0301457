"""The deployed template on the embedded AWS, with permissions enforced; one demo run for all
tests."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from local.aws import REPOSITORY
from local.clock import parse_clock
from local.demo.inbox import Inbox
from local.demo.ledger import Ledger
from local.demo.script import Story
from local.demo.shop import Shop
from local.demo.shoppers import CART, STORE, WELCOME
from local.stack.stack import LocalStack
from local.stack.store_keys import StoreSecrets
from milepost.published.head import PublishedState
from tests.support.waiting import until

SPEED = 3600


@dataclass(frozen=True)
class Deployed:
    """The stack after the demo."""

    stack: LocalStack
    story: Story
    ledger: Ledger
    secrets: StoreSecrets
    now: Callable[[], datetime]
    head: Callable[[], PublishedState]


@pytest.fixture(scope="package")
def deployed() -> Iterator[Deployed]:
    """Deploy, publish the shipped store, and run the demo's seven shoppers."""
    from milepost.aws.table import Table
    from milepost.published.dynamodb import read_head

    clock = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}@{SPEED}"
    # Kept, so that the next run uses its caches. Each process of a parallel run has its own.
    folder = REPOSITORY / ".milepost" / f"tests-{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}"
    quiet: list[object] = []
    with LocalStack(
        run_folder=folder, clock=clock, inbox_port=0, api_port=0, emulator_port=0, say=quiet.append
    ) as stack:
        secrets = stack.add_store(STORE)
        stack.upload_store(STORE, REPOSITORY / "workflows")
        registry = Table(stack.aws.dynamodb, stack.outputs["WorkflowsTableName"])

        def head() -> PublishedState:
            return read_head(registry, STORE)

        until(lambda: {CART, WELCOME} <= head().workflows.keys(), "both workflows to go live", 120)
        now = parse_clock(clock).now
        ledger = Ledger.of(stack.aws.dynamodb, stack.outputs["ContactsTableName"])
        story = Story(
            Shop(stack.api_url, secrets.platforms["shopify-secret"]),
            Inbox(stack.inbox_url),
            ledger,
            now,
        )
        story.play()
        time.sleep(1)  # the last delivery events are still on their way
        yield Deployed(stack, story, ledger, secrets, now, head)
