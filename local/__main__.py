"""`python -m local up` and `python -m local down`."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from local.errors import LocalError
from local.stack.ministack import end_owner
from local.stack.stack import RUN_FOLDER, LocalStack


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it did what it says, 1 with a sentence when it could not."""
    parser = argparse.ArgumentParser(prog="python -m local", description="AWS on your machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start, deploy, and stay until Ctrl-C")
    up.add_argument("--stack", default="milepost", help="name of the stack (default: milepost)")
    up.add_argument("--store", action="append", default=[], help="give this store secrets")
    up.add_argument("--files", type=Path, help="upload this folder to each store")
    up.add_argument("--clock", default="", help="virtual time, as in 2026-11-22T09:00:00Z@3600")
    up.add_argument("--no-auth", action="store_true", help="do not enforce permissions")
    commands.add_parser("demo", help="play a story on the whole stack, and show what came of it")
    commands.add_parser("down", help="stop what an `up` left running")
    options = parser.parse_args(arguments)
    try:
        match options.command:
            case "up":
                return run_up(options)
            case "demo":
                return play_demo()
            case _:
                return run_down()
    except LocalError as error:
        print(f"\n{error}", file=sys.stderr)
    except ValueError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.")
        return 1 if options.command == "demo" else 0  # nobody knows how the story would have ended
    return 1


def run_up(options: argparse.Namespace) -> int:
    """Bring everything up and wait for Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, as_ctrl_c)
    with LocalStack(options.stack, auth=not options.no_auth, clock=options.clock) as stack:
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


def play_demo() -> int:
    """Play the story; imported late, for it needs the layer's package as well."""
    from local.demo.run import run_demo

    signal.signal(signal.SIGTERM, as_ctrl_c)
    return run_demo()


def as_ctrl_c(*_: object) -> None:
    """End on SIGTERM as on Ctrl-C: by stopping everything."""
    raise KeyboardInterrupt


def run_down() -> int:
    """Stop the `up` of this repository, and what is left of one that died."""
    print("Stopped." if end_owner(RUN_FOLDER) else "Nothing was running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
