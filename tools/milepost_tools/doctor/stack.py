"""Checks of the deployment: all parts of the stack exist and are healthy."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from milepost.stores.keys import KEYS
from milepost_tools.doctor.finding import Finding, advice, ok, wrong

SKEW = timedelta(seconds=30)
"""AWS refuses signatures that are five minutes off; the shops' signatures allow no more."""

MIN_KEY_LENGTH = 32
"""Minimum length of a key: 16 random bytes in hexadecimal, or 24 in base64."""

_HEX = 64
_PREVIOUS = "-previous"


class Stack(NamedTuple):
    """A stack as CloudFormation describes it."""

    state: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]


class StackResource(NamedTuple):
    """A part of the stack. `state` is the word that its service uses."""

    name: str
    kind: str
    state: str


class Secret(NamedTuple):
    """The shape of a secret, without its value."""

    name: str
    secure: bool
    length: int
    hexadecimal: bool = False


class Alarm(NamedTuple):
    """An alarm of the stack."""

    name: str
    state: str
    notifies: bool
    """Whether an action notifies a person when it goes off."""


def check_stack(state: str) -> Iterator[Finding]:
    """The state of the whole stack, in CloudFormation's words."""
    if not state.endswith("_COMPLETE") or "ROLLBACK" in state or state.startswith("DELETE"):
        yield wrong(
            "stack", f"is {state}", "look at its events in CloudFormation, and deploy again"
        )
    else:
        yield ok("stack", f"is {state}")


def check_parts(parts: Sequence[StackResource]) -> Iterator[Finding]:
    """Every table and function of the stack."""
    for kind, good in (("table", "ACTIVE"), ("function", "Active")):
        of_kind = [part for part in parts if part.kind == kind]
        unhealthy = [part for part in of_kind if part.state != good]
        for part in unhealthy:
            yield wrong(f"{kind}s", f"{part.name} is {part.state or 'gone'}", "deploy again")
        if of_kind and not unhealthy:
            yield ok(f"{kind}s", f"all {len(of_kind)} are there")


def check_secrets(stores: Mapping[str, Sequence[Secret]], stack: str) -> Iterator[Finding]:
    """The keys of every store that has any. Values are never shown."""
    if not stores:
        remedy = f"aws ssm put-parameter --type SecureString --name /{stack}/<store>/link-key ..."
        yield wrong("secrets", "no store has a key, so none can send mail", remedy)
    for store, secrets in sorted(stores.items()):
        yield from _check_store(f"secrets of {store}", secrets, f"/{stack}/{store}")


def _check_store(check: str, secrets: Sequence[Secret], path: str) -> Iterator[Finding]:
    put = f"aws ssm put-parameter --type SecureString --name {path}"
    good = True
    names = {secret.name for secret in secrets}
    if "link-key" not in names:
        good = False
        yield wrong(check, "there is no link-key: mails need it for their links", f"{put}/link-key")
    for secret in sorted(secrets):
        name = secret.name.removesuffix(_PREVIOUS)
        if name not in KEYS:
            yield advice(check, f"{secret.name} is none that Milepost reads", "a misspelling?")
        elif not secret.secure and KEYS[name].secret:
            good = False
            yield wrong(
                check, f"{secret.name} is no SecureString", f"{put}/{secret.name} --overwrite"
            )
        elif reason := _misshapen(name, secret):
            good = False
            yield wrong(check, f"{secret.name} {reason}", f"{put}/{secret.name} --overwrite")
    if good:
        uses = sorted({key.purpose for key in KEYS.values() if key.name in names})
        yield ok(check, f"there are keys for {', '.join(uses)}")


def _misshapen(name: str, secret: Secret) -> str:
    if name == "bearer-key-sha256":
        good = secret.hexadecimal and secret.length == _HEX
        return "" if good else "is no SHA-256 in hexadecimal: 64 digits, and no key itself"
    if not KEYS[name].secret:
        return "" if secret.length else "is empty"
    if secret.length < MIN_KEY_LENGTH:
        return f"has {secret.length} characters, and {MIN_KEY_LENGTH} are the least"
    return ""


def check_alarms(alarms: Sequence[Alarm]) -> Iterator[Finding]:
    for alarm in alarms:
        if alarm.state == "ALARM":
            yield wrong(
                "alarms", f"{alarm.name} has gone off", "docs/operations.md says what to do"
            )
    if not alarms:
        yield wrong("alarms", "the stack has none", "deploy template.yaml again")
    elif not any(alarm.notifies for alarm in alarms):
        remedy = "deploy with AlarmTopicArn, and subscribe somebody to that topic"
        yield advice("alarms", f"there are {len(alarms)}, and nobody is told", remedy)
    elif all(alarm.state != "ALARM" for alarm in alarms):
        yield ok("alarms", f"all {len(alarms)} are silent")


def check_dead_letters(waiting: Mapping[str, int]) -> Iterator[Finding]:
    """The number of messages in each dead-letter queue."""
    full = {name: number for name, number in waiting.items() if number}
    for name, number in sorted(full.items()):
        remedy = "docs/operations.md says what each queue needs"
        yield wrong("dead letters", f"{number} in {name}", remedy)
    if waiting and not full:
        yield ok("dead letters", f"none in {len(waiting)} queues")


def check_clock(here: datetime, there: datetime) -> Iterator[Finding]:
    """Compare this machine's clock with AWS's. The functions use AWS's."""
    offset = abs(here - there)
    if offset > SKEW:
        side = "ahead" if here > there else "behind"
        reason = f"this machine is {offset.total_seconds():.0f} seconds {side}"
        yield wrong("clock", reason, "set it by NTP: AWS refuses what is signed at another time")
    else:
        yield ok("clock", "this machine's is right to half a minute")


def check_loop(
    expected: Mapping[str, str], received: Mapping[str, Sequence[str]]
) -> Iterator[Finding]:
    """The delivery event of each test e-mail; `expected` names the one that each must cause."""
    for address, report in expected.items():
        check = f"loop of {address}@"
        reports = received.get(address, ())
        if report in reports:
            yield ok(check, f"SES's report came back to us: {report}")
        elif reports:
            remedy = "wait and run it again: SES may report later"
            yield wrong(check, f"only {', '.join(sorted(reports))} came back, not {report}", remedy)
        else:
            remedy = "see FeedbackDeadLetters and the log of trigger_email"
            yield wrong(check, "nothing came back in time", remedy)
