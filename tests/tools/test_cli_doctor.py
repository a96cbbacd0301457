"""`milepost doctor` prints what keeps a stack from sending mail, one line per finding."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from milepost_tools import wiring as tools_wiring
from milepost_tools.doctor.finding import Finding, ok, unknown, wrong
from tests.support.commands import milepost


@dataclass
class RecordedDoctor:
    """Records the doctor's arguments and returns given findings."""

    findings: list[Finding]
    arguments: tuple[str, str, str, float] | None = None

    def doctor(self, stack: str) -> Any:
        recorded = self

        class Doctor:
            def examine(self, domain: str, mark: str, patience: float) -> Iterator[Finding]:
                recorded.arguments = (stack, domain, mark, patience)
                yield from recorded.findings

        return Doctor()


Find = Callable[..., RecordedDoctor]


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> Find:
    def find(*findings: Finding) -> RecordedDoctor:
        recorded = RecordedDoctor([*findings])
        monkeypatch.setattr(tools_wiring, "doctor", recorded.doctor)
        return recorded

    return find


def test_each_finding_has_a_line_and_last_line_counts(finds: Find) -> None:
    finds(ok("clock", "right"), unknown("alarms", "no permission"))
    answer = milepost("doctor")
    assert answer.code == 0
    assert answer.lines == [
        "clock: OK: right",
        "alarms: not checked: no permission",
        "1 in order, 1 not checked",
    ]


def test_one_wrong_finding_sets_exit_code(finds: Find) -> None:
    finds(ok("clock", "right"), wrong("spf", "is missing", "publish it"))
    answer = milepost("doctor")
    assert answer.code == 1
    assert answer.lines[1:] == ["spf: wrong: is missing (publish it)", "1 in order, 1 wrong"]


def test_unknown_findings_are_not_counted_as_ok(finds: Find) -> None:
    finds(unknown("stack", "no network"))
    assert milepost("doctor").code == 1


def test_doctor_options_reach_the_examination(finds: Find) -> None:
    recorded = finds(ok("clock", "right"))
    milepost("doctor", "--stack", "shop", "--domain", "Mail.Shop.example.", "--wait", "5")
    assert recorded.arguments is not None
    stack, domain, mark, patience = recorded.arguments
    assert (stack, domain, patience) == ("shop", "mail.shop.example", 5)
    assert len(mark) == 16
    milepost("doctor")
    assert recorded.arguments[2] != mark, "test mails of two runs are told apart"


@pytest.mark.parametrize("domain", ["shop", "me@shop.example", "shop .example", "-a.example"])
def test_invalid_domain_is_a_usage_error(finds: Find, domain: str) -> None:
    recorded = finds(ok("clock", "right"))
    answer = milepost("doctor", "--domain", domain)
    assert answer.code == 2
    assert "is no domain" in answer.err
    assert recorded.arguments is None


def test_json_option_prints_findings_as_json(finds: Find) -> None:
    finds(wrong("spf", "is missing", "publish it"))
    answer = milepost("doctor", "--json")
    assert answer.code == 1
    assert answer.json == {
        "stack": "milepost",
        "findings": [
            {"check": "spf", "state": "wrong", "said": "is missing", "remedy": "publish it"}
        ],
    }


def test_dns_text_cannot_send_terminal_escapes(finds: Find) -> None:
    finds(wrong("dmarc", 'p is "\x1b[31m"', "mend it"))
    assert "\x1b" not in milepost("doctor").out
