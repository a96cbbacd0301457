"""The doctor runs its checks in order and never reports a missing answer as ok."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from milepost.sending.message import SubmissionRejected
from milepost.sending.probes import is_probe
from milepost.simulator.memory.mailer import MemoryMailer
from milepost_tools.doctor.doctor import Doctor
from milepost_tools.doctor.finding import Finding
from milepost_tools.doctor.ports import CannotAskError
from milepost_tools.doctor.sending import EVENTS, TRACKING_EVENTS, Account, Destination, Identity
from milepost_tools.doctor.stack import Alarm, Secret, Stack, StackResource
from milepost_tools.operations.test_send import ProbeSender
from tests.fakes.probes import MemoryProbes

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MARK = "0123456789abcdef"
OUTPUTS = {
    "ConfigurationSetName": "milepost",
    "FeedbackTopicArn": "topic",
    "FeedbackQueueUrl": "queue-url",
    "SecretsPath": "/milepost",
    "ReactDeadLettersUrl": "react-url",
}


IN_ORDER = Stack("UPDATE_COMPLETE", {"SenderAddress": "post@mail.shop.example"}, OUTPUTS)


@dataclass
class Healthy:
    """A healthy stack. The queries in `silent` fail."""

    silent: frozenset[str] = frozenset()
    found: Stack | None = IN_ORDER
    asked: list[str] = field(default_factory=list)

    def _answer(self, question: str, answer: Any) -> Any:
        self.asked.append(question)
        if question in self.silent:
            raise CannotAskError(f"your credentials may not ask {question}")
        return answer

    def stack(self) -> Stack | None:
        return self._answer("stack", self.found)  # type: ignore[no-any-return]

    def parts(self) -> Sequence[StackResource]:
        table, function = (
            StackResource("T", "table", "ACTIVE"),
            StackResource("F", "function", "Active"),
        )
        return self._answer("parts", [table, function])  # type: ignore[no-any-return]

    def account(self) -> Account:
        account = Account(True, True, "HEALTHY", 14, 50_000, 1)
        return self._answer("account", account)  # type: ignore[no-any-return]

    def identity(self, name: str) -> Identity | None:
        domain = Identity(name, True, "SUCCESS", ("t",), "bounce.shop.example", "SUCCESS")
        found = domain if name == "mail.shop.example" else None
        return self._answer("identity", found)  # type: ignore[no-any-return]

    def destinations(self, configuration_set: str) -> Sequence[Destination]:
        events = EVENTS if configuration_set.endswith("-untracked") else EVENTS | TRACKING_EVENTS
        ours = [Destination(True, events, "topic")]
        return self._answer("destinations", ours)  # type: ignore[no-any-return]

    def subscribers(self, topic: str) -> Mapping[str, str]:
        return self._answer("subscribers", {"queue-arn": "sqs"})  # type: ignore[no-any-return]

    def queue_arn(self, url: str) -> str:
        return "queue-arn"

    def waiting(self, url: str) -> int:
        return self._answer("waiting", 0)  # type: ignore[no-any-return]

    def secrets(self, path: str) -> Mapping[str, Sequence[Secret]]:
        keys = {"acme": [Secret("link-key", True, 64)]}
        return self._answer("secrets", keys)  # type: ignore[no-any-return]

    def alarms(self) -> Sequence[Alarm]:
        return self._answer("alarms", [Alarm("a", "OK", notifies=True)])  # type: ignore[no-any-return]

    def time(self) -> datetime:
        return self._answer("time", NOON)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Zone:
    """DNS with every record that mail from mail.shop.example needs."""

    dead: bool = False

    def _all(self, name: str, answer: Sequence[str]) -> Sequence[str]:
        if self.dead:
            raise CannotAskError(f"DNS does not answer for {name}: LifetimeTimeout")
        return answer

    def texts(self, name: str) -> Sequence[str]:
        records = {
            "_dmarc.shop.example": ["v=DMARC1; p=none"],
            "bounce.shop.example": ["v=spf1 include:amazonses.com ~all"],
        }
        return self._all(name, records.get(name, []))

    def exchangers(self, name: str) -> Sequence[str]:
        return self._all(name, ["feedback-smtp.eu-west-1.amazonses.com."])

    def aliases(self, name: str) -> Sequence[str]:
        return self._all(name, ["t.dkim.amazonses.com."])


@dataclass
class Clinic:
    """A doctor, the mailer of its test mails, and their delivery events."""

    inspector: Healthy = field(default_factory=Healthy)
    records: Zone = field(default_factory=Zone)
    mailer: MemoryMailer = field(default_factory=MemoryMailer)
    notes: MemoryProbes = field(default_factory=MemoryProbes)
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[], None] = lambda: None

    def examine(self, domain: str = "", patience: float = 10) -> list[Finding]:
        doctor = Doctor(
            name="milepost",
            inspector=self.inspector,
            records=self.records,
            probes=lambda _: ProbeSender(self.mailer, self.notes),
            now=lambda: NOON,
            sleep=self._sleep,
        )
        return list(doctor.examine(domain, MARK, patience))

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.on_sleep()

    def reports_come(self) -> None:
        """Let SES report the outcomes of the simulator addresses, and our function record them."""
        kinds = {"success": "delivered", "bounce": "bounced", "complaint": "complained"}
        for mail in self.mailer.mails:
            self.notes.record_report(mail.tags["probe"], kinds[mail.to.partition("@")[0]], NOON)


@pytest.fixture
def clinic() -> Clinic:
    clinic = Clinic()
    clinic.on_sleep = clinic.reports_come
    return clinic


def states(found: Sequence[Finding]) -> dict[str, str]:
    return {each.check: each.state for each in found}


def test_healthy_stack_gets_ok_on_every_line(clinic: Clinic) -> None:
    found = clinic.examine()
    assert [str(each) for each in found if each.state != "ok"] == []
    assert [*states(found)] == [
        "clock",
        "stack",
        "tables",
        "functions",
        "account",
        "sandbox",
        "quota",
        "identity",
        "dkim",
        "spf",
        "mail-from",
        "dkim-records",
        "dmarc",
        "reports",
        "subscription",
        "secrets of acme",
        "alarms",
        "dead letters",
        "loop of success@",
        "loop of bounce@",
        "loop of complaint@",
    ]


def test_test_mails_go_to_ses_simulator_without_contact(clinic: Clinic) -> None:
    clinic.examine()
    assert [mail.to for mail in clinic.mailer.mails] == [
        "success@simulator.amazonses.com",
        "bounce@simulator.amazonses.com",
        "complaint@simulator.amazonses.com",
    ]
    assert all(mail.tags.keys() == {"probe"} for mail in clinic.mailer.mails)
    assert all(is_probe(mail.tags["probe"]) for mail in clinic.mailer.mails)
    assert all(not mail.headers for mail in clinic.mailer.mails)


def test_doctor_waits_for_events_until_its_timeout(clinic: Clinic) -> None:
    clinic.examine(patience=60)
    assert clinic.slept == [2.0], "they came after the first pause"
    clinic.on_sleep = lambda: None
    clinic.notes.notes.clear()
    clinic.slept.clear()
    found = states(clinic.examine(patience=5))
    assert sum(clinic.slept) == 6
    assert [found[f"loop of {each}@"] for each in ("success", "bounce", "complaint")] == (
        ["wrong"] * 3
    )


def test_doctor_without_timeout_sends_no_mail_and_says_so(clinic: Clinic) -> None:
    assert states(clinic.examine(patience=0))["loop"] == "unknown"
    assert clinic.mailer.handed == []


def test_refused_test_mail_is_reported_without_waiting(clinic: Clinic) -> None:
    clinic.mailer.script.extend([SubmissionRejected("MessageRejected")] * 3)
    found = clinic.examine()
    assert [each.said for each in found if each.check.startswith("loop")] == (
        ["SES refused the test mail: MessageRejected"] * 3
    )
    assert clinic.slept == []


@pytest.mark.parametrize(
    ("question", "check"),
    [
        ("time", "clock"),
        ("parts", "stack"),
        ("account", "account"),
        ("identity", "identity"),
        ("destinations", "reports"),
        ("subscribers", "subscription"),
        ("secrets", "secrets"),
        ("alarms", "alarms"),
        ("waiting", "dead letters"),
    ],
)
def test_failed_query_is_unknown_and_other_checks_run(
    clinic: Clinic, question: str, check: str
) -> None:
    clinic.inspector.silent = frozenset({question})
    found = clinic.examine()
    (unknown,) = [each for each in found if each.state == "unknown"]
    assert (unknown.check, unknown.said) == (check, f"your credentials may not ask {question}")
    assert found[-1].check == "loop of complaint@"


def test_dns_failure_is_unknown_not_missing_record(
    clinic: Clinic,
) -> None:
    clinic.records = Zone(dead=True)
    found = states(clinic.examine())
    assert {found[check] for check in ("spf", "dkim-records", "dmarc")} == {"unknown"}
    assert "wrong" not in found.values()


def test_missing_stack_is_wrong_and_given_domain_is_still_checked(
    clinic: Clinic,
) -> None:
    clinic.inspector.found = None
    found = states(clinic.examine(domain="mail.shop.example"))
    assert (found["stack"], found["identity"], found["dmarc"]) == ("wrong", "ok", "ok")
    assert "reports" not in found
    assert clinic.mailer.handed == []
    assert "identity" not in states(clinic.examine())


def test_failed_stack_query_reports_nothing_about_stack(clinic: Clinic) -> None:
    clinic.inspector.silent = frozenset({"stack"})
    found = states(clinic.examine())
    assert found["stack"] == "unknown"
    assert clinic.mailer.handed == []


def test_missing_output_means_stack_is_too_old(clinic: Clinic) -> None:
    older = replace_outputs(clinic.inspector.found, FeedbackTopicArn="")
    clinic.inspector.found = older
    (found,) = [each for each in clinic.examine() if each.check == "reports"]
    assert "has no output FeedbackTopicArn: deploy template.yaml again" in found.said


def replace_outputs(stack: Stack | None, **changes: str) -> Stack:
    assert stack is not None
    return stack._replace(outputs={**stack.outputs, **changes})


def test_other_names_are_not_probe_ids() -> None:
    assert is_probe(f"{MARK}-success")
    for name in ("", MARK, f"{MARK}-other", f"{MARK.upper()}-bounce", f"{MARK}-bounce#x"):
        assert not is_probe(name)
