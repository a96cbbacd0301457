"""`python -m local demo`: deploys, uploads a store, runs the script and shows the results."""

import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime

from rich.console import Console

from local.aws import REPOSITORY
from local.clock import parse_clock
from local.demo.inbox import Inbox
from local.demo.ledger import Ledger
from local.demo.results import show
from local.demo.script import Story
from local.demo.shop import Shop
from local.demo.shoppers import CART, CAST, STORE, WELCOME
from local.demo.timeline import Timeline
from local.errors import LocalError
from local.stack.stack import LocalStack
from milepost.workflows.language.workflow import Workflow, walk

SPEED = 3600
"""Speed of the virtual clock: an hour a second, so that four days take a minute and a half."""

_PUBLISHED_WITHIN = 120


def run_demo() -> int:
    """Return 0 if the results are as expected, 1 if not. On a terminal, everything keeps running
    until Ctrl-C."""
    console = Console(highlight=False)
    clock = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}@{SPEED}"
    with LocalStack(clock=clock, say=console.print) as stack:
        differences = _play(stack, clock, console)
        console.print(
            f"\n  Inbox  {stack.inbox_url}   every mail, with the buttons of a recipient"
            f"\n  API    {stack.api_url}/v1/{STORE}/events"
            f"\n         bearer key {stack.secrets[STORE].bearer_key}\n"
        )
        if sys.stdout.isatty():
            console.print("Ctrl-C stops it.")
            with suppress(KeyboardInterrupt):  # the script has finished; its result still counts
                threading.Event().wait()
    return 1 if differences else 0


def _play(stack: LocalStack, clock: str, console: Console) -> list[str]:
    virtual_now = parse_clock(clock).now
    secrets = stack.add_store(STORE)
    stack.upload_store(STORE, REPOSITORY / "workflows")
    ledger = Ledger.of(stack.aws.dynamodb, stack.outputs["ContactsTableName"])
    _wait_for_publication(stack, console)
    console.print("\n[bold]The shoppers[/bold]")
    for shopper in CAST:
        console.print(f"  [{shopper.color}]{shopper.name:<6}[/] {shopper.does}")
    console.print("\n[bold]The events[/bold], an hour a second")
    story = Story(
        shop=Shop(stack.api_url, secrets.platforms["shopify-secret"]),
        inbox=Inbox(stack.inbox_url),
        ledger=ledger,
        now=virtual_now,
    )
    with Timeline(ledger, console, virtual_now()):
        story.play()
    differences = story.differences()
    for name in (CART, WELCOME):
        show(console, name, ledger.numbers(name), _sending_steps(name))
    if differences:
        console.print("\n[bold red]The results differ from the expected ones:[/]")
        for difference in differences:
            console.print(f"  {difference}", markup=False)
    else:
        console.print("\n[bold green]All results are as expected.[/]")
    return differences


def _sending_steps(workflow: str) -> list[str]:
    text = (REPOSITORY / "workflows" / f"{workflow}.json").read_text("utf-8")
    steps = Workflow.model_validate_json(text).steps
    return [step.id for _, step in walk(steps) if step.type == "send_email"]


def _wait_for_publication(stack: LocalStack, console: Console) -> None:
    """Wait until both workflows are live. Raises LocalError with the reports if they do not go
    live."""
    deadline = time.monotonic() + _PUBLISHED_WITHIN
    workflows = {f"workflow:{CART}", f"workflow:{WELCOME}"}
    console.print("Publishing the store's files ...")
    while time.monotonic() < deadline:
        item = stack.aws.dynamodb.get_item(
            TableName=stack.outputs["WorkflowsTableName"],
            Key={"pk": {"S": f"S#{STORE}"}, "sk": {"S": "HEAD"}},
        ).get("Item", {})
        if workflows <= item.keys():
            return
        time.sleep(0.3)
    reports = stack.aws.s3.list_objects_v2(
        Bucket=stack.outputs["BucketName"], Prefix=f"{STORE}/reports/"
    )
    names = [entry["Key"] for entry in reports.get("Contents", ()) if entry["Key"].endswith(".md")]
    raise LocalError(f"The workflows did not go live. Reports: {', '.join(names) or 'none'}")
