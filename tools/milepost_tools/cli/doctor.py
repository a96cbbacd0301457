"""`milepost doctor`: checks what keeps a deployed stack from sending e-mail."""

import re
from collections import Counter
from secrets import token_hex
from typing import Annotated

import typer

from milepost_tools.cli.output import fail, print_line, show_json
from milepost_tools.doctor.finding import Finding, State

_WORDS: dict[State, str] = {
    "ok": "in order",
    "wrong": "wrong",
    "advice": "to think about",
    "unknown": "not checked",
}
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


def examine(
    stack: Annotated[str, typer.Option(help="The name of the stack.")] = ("milepost"),
    domain: Annotated[str, typer.Option(help="The sender domain; the stack's if left out.")] = "",
    wait: Annotated[
        int, typer.Option(min=0, max=600, help="Seconds to wait for test mails; 0 sends none.")
    ] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check everything that must be right before e-mail goes out, and suggest fixes.

    Sends three e-mails to the SES mailbox simulator. Uses the AWS credentials and the
    Region of your shell; docs/operations.md lists what they need.
    """
    domain = domain.strip().lower().rstrip(".")
    if domain and not _DOMAIN.fullmatch(domain):
        fail(f"--domain {domain}: is no domain: write it like mail.example.com")
    from milepost_tools import wiring as tools_wiring  # imports AWS and DNS clients

    found: list[Finding] = []
    for finding in tools_wiring.doctor(stack).examine(domain, token_hex(8), wait):
        found.append(finding)
        if not as_json:
            print_line(str(finding))
    counts = Counter(finding.state for finding in found)
    if as_json:
        show_json({"stack": stack, "findings": [finding._asdict() for finding in found]})
    else:
        said = [f"{counts[state]} {words}" for state, words in _WORDS.items() if counts[state]]
        print_line(", ".join(said))
    raise typer.Exit(1 if counts["wrong"] or not counts["ok"] else 0)
