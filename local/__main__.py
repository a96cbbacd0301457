"""`python -m local`: starts AWS on this machine, publishes files, sends events, reads e-mail."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from local.errors import LocalError
from local.stack import client
from local.stack.ministack import end_owner
from local.stack.stack import LocalStack


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Return 0 on success, or 1 after printing what is wrong."""
    options = parse(arguments)
    try:
        match options.command:
            case "up":
                return run_up(options)
            case "demo":
                return play_demo()
            case "publish":
                return run_publish(options)
            case "event":
                return run_event(options)
            case "inbox":
                return run_inbox(options)
            case _:
                return run_down()
    except LocalError as error:
        print(f"\n{error}", file=sys.stderr)
    except ValueError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.")
        return 1 if options.command == "demo" else 0  # an interrupted demo has no result
    return 1


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command and its options; end the program if they are invalid."""
    parser = argparse.ArgumentParser(prog="python -m local", description="AWS on your machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start, deploy, and stay until Ctrl-C")
    up.add_argument("--stack", default="milepost", help="name of the stack (default: milepost)")
    up.add_argument("--store", action="append", default=[], help="give this store secrets")
    up.add_argument("--files", type=Path, help="upload this folder to each store")
    up.add_argument("--clock", default="", help="virtual time, as in 2026-11-22T09:00:00Z@3600")
    up.add_argument(
        "--speed", type=float, help="virtual time from now on: 3600 is an hour a second"
    )
    up.add_argument("--no-auth", action="store_true", help="do not enforce permissions")
    commands.add_parser("demo", help="run the demo on the whole stack, and show the results")
    commands.add_parser("down", help="stop what an `up` left running")
    publish = commands.add_parser("publish", help="upload a store's files, and show the reports")
    publish.add_argument("store")
    publish.add_argument("folder", type=Path)
    event = commands.add_parser("event", help="report an event of a store from a JSON file")
    event.add_argument("store")
    event.add_argument("file", type=Path)
    inbox = commands.add_parser("inbox", help="show the subjects of the e-mails to an address")
    inbox.add_argument("address")
    inbox.add_argument("--wait", type=int, default=1, help="for so many e-mails (default: 1)")
    return parser.parse_args(arguments)


def run_up(options: argparse.Namespace) -> int:
    """Start everything and wait for Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, as_ctrl_c)
    clock = options.clock
    if options.speed:
        clock = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}@{options.speed:g}"
    with LocalStack(options.stack, auth=not options.no_auth, clock=clock) as stack:
        for store in options.store:
            secrets = stack.add_store(store)
            print(
                f"  {store}: bearer key {secrets.bearer_key}, signing key {secrets.signing_key}, "
                f"browser key {secrets.browser_key}"
            )
            if options.files:
                stack.upload_store(store, options.files)
        print(f"\n  API    {stack.api_url}\n  Inbox  {stack.inbox_url}\n\nCtrl-C stops it.")
        threading.Event().wait()
    return 0


def run_publish(options: argparse.Namespace) -> int:
    """Publish files; return 1 if one was refused."""
    reports = client.RunningStack.find(client.RUN_FOLDER).publish(options.store, options.folder)
    for report in reports:
        for line in report.lines():
            print(line)
    return 1 if any(report.outcome == "refused" for report in reports) else 0


def run_event(options: argparse.Namespace) -> int:
    """Send the event in a file."""
    try:
        event = json.loads(options.file.read_text("utf-8"))
    except FileNotFoundError:
        raise LocalError(f"There is no file {options.file}.") from None
    print(client.RunningStack.find(client.RUN_FOLDER).report_event(options.store, event))
    return 0


def run_inbox(options: argparse.Namespace) -> int:
    """Wait for e-mails and print their subjects."""
    stack = client.RunningStack.find(client.RUN_FOLDER)
    for subject in stack.wait_for_emails(options.address, options.wait):
        print(subject)
    return 0


def play_demo() -> int:
    """Run the demo. Imported here, because it also needs the layer's package."""
    from local.demo.run import run_demo

    signal.signal(signal.SIGTERM, as_ctrl_c)
    return run_demo()


def as_ctrl_c(*_: object) -> None:
    """Handle SIGTERM like Ctrl-C: stop everything."""
    raise KeyboardInterrupt


def run_down() -> int:
    """Stop this repository's `up`, and what is left of one that crashed."""
    print("Stopped." if end_owner(client.RUN_FOLDER) else "Nothing was running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
