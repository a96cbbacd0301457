"""No old name is left among the stored or visible names.

A stored name is a DynamoDB key or attribute, a message, an event or a setting. A visible name is in
the API, a file of the language, a log, a metric, the template or a report.
"""

import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("layers", "functions", "tools", "local", "workflows", "docs")

ANYWHERE = (
    # keys of the tables
    "POISON#",
    "AGAIN#",
    "SENDING#",
    "LOOKED#",
    "LOOK#",
    '"ALLOWANCE"',
    '"WORKS"',
    '"SENDING"',
    "SENDING*",
    # attributes with a prefix, or in expressions
    '"inside:"',
    '"began:',
    "event_half",
    "token_half",
    "gave_up_at",
    "machine_opened_at",
    "machine_clicked_at",
    "SET mailed",
    "leg = :",
    "(leg)",
    "ADD absorbing",
    "SET carried",
    "ADD moved ",
    '"_from"',
    # events
    "Email Opened by Machine",
    "Email Clicked by Machine",
    "Moment Reached",
    "Merge Asked",
    "Event Counted Twice",
    "Import Undone",
    # metrics
    "RecordsPutAside",
    "EmailEventsForeign",
    "MessagesGivenUp",
    "MessagesSentAgain",
    "SignUpsLimited",
    # the stack and its settings
    "LooksMachine",
    "LookFunction",
    "LookRole",
    "LooksFailedAlarm",
    "StackName}-looks",
    "functions/look",
    "ParkAfterDays",
    "PARK_AFTER_DAYS",
    "LOOK_MACHINE_ARN",
    "MILEPOST_MACHINE_ARN_PREFIX",
    "MILEPOST_MACHINE_ROLE_ARN",
    # the command line and the API
    "Say everything that is wrong with",
    "Tell what a workflow does",
    "A browser asks for leave",
    "The reader says no",
    "Ways through workflows",
    "How far it has come",
    "The log of proof",
    # the paths of a state machine
    "$.leg",
    "$.turn",
    "give_up.$",
    "$.order",
)

QUOTED = frozenset(
    {
        # attributes of the tables, messages and events
        "leg",
        "turn",
        "lookout",
        "astray",
        "standing",
        "flips",
        "staged",
        "crossings",
        "mailed",
        "occasion",
        "mark",
        "absorbing",
        "carried",
        "reached",
        "follow",
        "heard",
        "began",
        "leg.$",
        "turn.$",
        "give_up",
        "park_after",
        "thaw",
        "look",
        "letter",
        # the language, the API and reports
        "inside",
        "machines",
        "machine_arn_prefix",
        "look_machine_arn",
        "wording",
        "dated",
        "do",
        "looked",
        "place",
        "told",
        # log lines and their fields
        "not ours",
        "people inside",
        "occasions came",
        "put aside",
        "legs began",
        "machine failed",
        "learned",
        "not learned",
        "about no message of ours",
        "numbers do not add up",
        "ran",
        "reacted",
        "nobody was told",
        "mails that were sent are not counted",
        "all contacts are looked at",
        "outcomes unknown",
        "given_up",
        "sent_again",
        "handed_on",
        "woken",
    }
)
"""Whole strings of Python, and quoted names elsewhere."""


def _files() -> list[Path]:
    found = [path for name in FOLDERS for path in (ROOT / name).rglob("*") if path.is_file()]
    kinds = {".py", ".json", ".yaml", ".md", ".html", ".js"}
    ours = [path for path in found if path.suffix in kinds and "__pycache__" not in path.parts]
    return sorted([*ours, ROOT / "template.yaml", ROOT / "README.md"])


def _strings(path: Path) -> list[str]:
    """The strings of a file: Python's own, or whatever is quoted."""
    if path.suffix != ".py":
        return re.findall(r"""["`']([\w.$ ]+)["`']""", path.read_text("utf-8"))
    with path.open("rb") as source:
        tokens = [t.string for t in tokenize.tokenize(source.readline) if t.type == tokenize.STRING]
    return [token.strip("\"'") for token in tokens]


def old_words(path: Path) -> list[str]:
    text = path.read_text("utf-8")
    found = [word for word in ANYWHERE if word in text]
    return found + sorted(QUOTED & {*_strings(path)})


def test_no_old_stored_or_visible_name_is_left() -> None:
    left = {path.relative_to(ROOT).as_posix(): old_words(path) for path in _files()}
    assert {name: words for name, words in left.items() if words} == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('KEY = f"POISON#{position}"\n', ["POISON#"]),
        ('item["leg"] = 1\n', ["leg"]),
        ('"""A leg is an execution."""\n', []),
        ("leg = 1\n", []),
    ],
)
def test_old_name_is_found_only_in_strings(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "module.py"
    path.write_text(text, "utf-8")
    assert old_words(path) == words
