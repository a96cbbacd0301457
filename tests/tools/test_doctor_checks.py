"""The doctor's pure checks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from milepost_tools.doctor.dns_rules import (
    check_dkim_records,
    check_dmarc,
    check_mail_from,
    dkim_names,
    dmarc_names,
)
from milepost_tools.doctor.finding import Finding
from milepost_tools.doctor.sending import (
    EVENTS,
    TRACKING_EVENTS,
    Account,
    Destination,
    Identity,
    check_account,
    check_identity,
    check_reports,
    check_subscription,
)
from milepost_tools.doctor.stack import (
    Alarm,
    Secret,
    StackResource,
    check_alarms,
    check_clock,
    check_dead_letters,
    check_loop,
    check_parts,
    check_secrets,
    check_stack,
)
from tests.support.template import read_stack

GOOD = Account(True, True, "HEALTHY", 14, 50_000, 100)
DOMAIN = Identity(
    "mail.shop.example", True, "SUCCESS", ("a1", "b2"), "bounce.shop.example", "SUCCESS"
)
SPF = ["google-site-verification=x", "v=spf1 include:amazonses.com ~all"]
MX = ["feedback-smtp.us-east-1.amazonses.com."]
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def states(findings: Any) -> dict[str, str]:
    return {finding.check: finding.state for finding in findings}


def only(findings: Any) -> Finding:
    (found,) = findings
    assert isinstance(found, Finding)
    return found


def test_finding_prints_check_state_and_remedy() -> None:
    assert str(Finding("spf", "ok", "fine")) == "spf: OK: fine"
    assert str(Finding("spf", "wrong", "bad", "mend it")) == "spf: wrong: bad (mend it)"
    assert str(Finding("loop", "unknown", "no answer")) == "loop: not checked: no answer"


# --- SES ---


def test_healthy_account_is_ok() -> None:
    assert states(check_account(GOOD)) == {"account": "ok", "sandbox": "ok", "quota": "ok"}


@pytest.mark.parametrize(
    ("changes", "check", "state", "said"),
    [
        ({"production": False}, "sandbox", "wrong", "nobody but verified"),
        ({"sending": False}, "account", "wrong", "paused"),
        ({"enforcement": "PROBATION"}, "account", "wrong", "PROBATION"),
        ({"sent": 40_000}, "quota", "advice", "10,000 of 50,000 left"),
        ({"daily": -1}, "quota", "ok", "without limit"),
    ],
)
def test_account_problem_is_wrong_or_advice(
    changes: dict[str, Any], check: str, state: str, said: str
) -> None:
    found = {each.check: each for each in check_account(GOOD._replace(**changes))}
    assert found[check].state == state
    assert said in found[check].said
    assert sum(each.state != "ok" for each in found.values()) == (state != "ok")


@pytest.mark.parametrize(
    ("identities", "expected"),
    [
        ([DOMAIN], {"identity": "ok", "dkim": "ok"}),
        ([], {"identity": "wrong"}),
        ([DOMAIN._replace(verified=False)], {"identity": "wrong"}),
        ([Identity("a@mail.shop.example", True)], {"identity": "ok", "dkim": "wrong"}),
        ([Identity("a@mail.shop.example", True), DOMAIN], {"identity": "ok", "dkim": "ok"}),
        ([DOMAIN._replace(dkim="PENDING")], {"identity": "ok", "dkim": "wrong"}),
        ([DOMAIN._replace(dkim="")], {"identity": "ok", "dkim": "wrong"}),
    ],
)
def test_sender_needs_verified_domain_with_dkim(
    identities: list[Identity], expected: dict[str, str]
) -> None:
    found = list(check_identity("a@mail.shop.example", identities))
    assert states(found) == expected
    assert all(bool(each.remedy) is (each.state == "wrong") for each in found)


def test_every_needed_event_must_reach_our_topic() -> None:
    needed = EVENTS | TRACKING_EVENTS
    ours = Destination(True, needed, "topic")
    assert only(check_reports("set", [ours], "topic")).state == "ok"
    halves = [ours._replace(events=frozenset({"SEND"})), ours._replace(events=needed - {"SEND"})]
    assert only(check_reports("set", halves, "topic")).state == "ok"
    for broken in ([], [ours._replace(enabled=False)], [ours._replace(topic="other")]):
        assert "reports nothing to us" in only(check_reports("set", broken, "topic")).said
    lacking = [ours._replace(events=needed - {"BOUNCE", "CLICK"})]
    assert "keeps BOUNCE, CLICK to itself" in only(check_reports("set", lacking, "topic")).said


def test_opens_and_clicks_without_tracking_consent_are_wrong() -> None:
    ours = Destination(True, EVENTS, "topic")
    assert only(check_reports("set-untracked", [ours], "topic")).state == "ok"
    found = only(check_reports("set-untracked", [ours._replace(events=EVENTS | {"OPEN"})], "topic"))
    assert "looks at readers who did not agree" in found.said


@pytest.mark.parametrize(
    ("destination", "events"),
    [("MailEvents", EVENTS | TRACKING_EVENTS), ("UntrackedMailEvents", EVENTS)],
)
def test_doctor_expects_event_types_of_template(destination: str, events: frozenset[str]) -> None:
    resource = read_stack().translated["Resources"][destination]
    assert {*resource["Properties"]["EventDestination"]["MatchingEventTypes"]} == events


def test_queue_must_be_subscribed_to_topic() -> None:
    assert only(check_subscription({"queue": "sqs"}, "queue")).state == "ok"
    for heard in ({}, {"other": "sqs"}, {"queue": "https"}):
        assert only(check_subscription(heard, "queue")).state == "wrong"


# --- DNS ---


def test_correct_mail_from_domain_is_ok() -> None:
    assert states(check_mail_from(DOMAIN, SPF, MX)) == {"spf": "ok", "mail-from": "ok"}
    plain = check_mail_from(DOMAIN._replace(mail_from=""), [], [])
    assert only(plain).state == "advice"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "has no SPF record"),
        (["v=spf10 include:amazonses.com"], "has no SPF record"),
        (["v=spf1 include:_spf.other.example ~all"], "does not include amazonses.com"),
        (["v=spf1 include:notamazonses.com ~all"], "does not include amazonses.com"),
        ([*SPF, "v=spf1 -all"], "has 2 SPF records, so none counts"),
        (["v=spf1 include:amazonses.com +all"], "lets anybody send"),
        (["v=spf1 include:amazonses.com all"], "lets anybody send"),
    ],
)
def test_bad_spf_record_is_wrong(texts: list[str], said: str) -> None:
    found = {each.check: each for each in check_mail_from(DOMAIN, texts, MX)}
    assert found["spf"].state == "wrong"
    assert said in found["spf"].said
    assert found["mail-from"].state == "ok"


@pytest.mark.parametrize(
    ("exchangers", "state"),
    [
        ([], "SUCCESS"),
        (["mx.amazonses.com.evil.example."], "SUCCESS"),
        (["mx.notamazonses.com"], "SUCCESS"),
        (MX, "FAILED"),
    ],
)
def test_mail_from_domain_needs_mx_record_of_ses(exchangers: list[str], state: str) -> None:
    found = check_mail_from(DOMAIN._replace(mail_from_state=state), SPF, exchangers)
    assert states(found) == {"spf": "ok", "mail-from": "wrong"}


def test_every_dkim_record_must_point_to_ses() -> None:
    assert dkim_names(DOMAIN) == [
        "a1._domainkey.mail.shop.example",
        "b2._domainkey.mail.shop.example",
    ]
    good = {"a1": ["a1.dkim.amazonses.com."], "b2": ["b2.dkim.amazonses.com."]}
    assert only(check_dkim_records(DOMAIN, good)).state == "ok"
    found = only(check_dkim_records(DOMAIN, {**good, "b2": []}))
    assert (found.state, found.said) == ("wrong", "b2 does not lead to SES")
    assert list(check_dkim_records(DOMAIN, {})) == [], "keys of one's own have no tokens"


def test_dmarc_policy_can_be_on_parent_domain() -> None:
    assert dmarc_names("mail.shop.example") == ["_dmarc.mail.shop.example", "_dmarc.shop.example"]


@pytest.mark.parametrize(
    ("own", "above", "state", "said"),
    [
        (["v=DMARC1; p=none"], [], "ok", "_dmarc.mail.shop.example says none"),
        (["V = DMARC1 ;p=Reject; rua=mailto:a@b.example"], [], "ok", "says reject"),
        (["other", "v=DMARC1;p=quarantine"], [], "ok", "says quarantine"),
        ([], ["v=DMARC1; p=reject; sp=none"], "ok", "_dmarc.shop.example says none"),
        ([], ["v=DMARC1; p=reject"], "ok", "_dmarc.shop.example says reject"),
        ([], [], "wrong", "has no DMARC record"),
        (["p=none; v=DMARC1"], [], "wrong", "has no DMARC record"),
        (["v=DMARC2; p=none"], [], "wrong", "has no DMARC record"),
        (["v=DMARC1"], [], "wrong", "has no policy"),
        (["v=DMARC1; p=off"], [], "wrong", "has no policy"),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], [], "wrong", "2 records, so none counts"),
    ],
)
def test_invalid_dmarc_policy_is_reported(
    own: list[str], above: list[str], state: str, said: str
) -> None:
    found = [("_dmarc.mail.shop.example", own), ("_dmarc.shop.example", above)]
    finding = only(check_dmarc("mail.shop.example", found))
    assert finding.state == state
    assert said in finding.said


# --- the stack ---


@pytest.mark.parametrize(
    ("state", "good"),
    [
        ("CREATE_COMPLETE", True),
        ("UPDATE_COMPLETE", True),
        ("IMPORT_COMPLETE", True),
        ("UPDATE_ROLLBACK_COMPLETE", False),
        ("ROLLBACK_COMPLETE", False),
        ("CREATE_FAILED", False),
        ("UPDATE_IN_PROGRESS", False),
        ("DELETE_COMPLETE", False),
    ],
)
def test_incomplete_stack_is_wrong(state: str, good: bool) -> None:
    assert (only(check_stack(state)).state == "ok") is good


def test_missing_part_is_named() -> None:
    parts = [
        StackResource("ContactsTable", "table", "ACTIVE"),
        StackResource("ReactFunction", "function", "Active"),
    ]
    assert states(check_parts(parts)) == {"tables": "ok", "functions": "ok"}
    lame = [
        *parts,
        StackResource("LookFunction", "function", ""),
        StackResource("More", "function", "Failed"),
    ]
    assert [str(each) for each in check_parts(lame)] == [
        "tables: OK: all 1 are there",
        "functions: wrong: LookFunction is gone (deploy again)",
        "functions: wrong: More is Failed (deploy again)",
    ]


KEY = Secret("link-key", True, 64, hexadecimal=True)


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        ([KEY], "OK: there are keys for links in mails"),
        (
            [KEY, Secret("signing-key-previous", True, 64), Secret("signing-key", True, 43)],
            "OK: there are keys for links in mails, posting events",
        ),
        ([KEY._replace(name="signing-key")], "there is no link-key"),
        ([KEY._replace(secure=False)], "link-key is no SecureString"),
        ([KEY._replace(length=8)], "link-key has 8 characters, and 32 are the least"),
        ([KEY, Secret("bearer-key-sha256", True, 64)], "bearer-key-sha256 is no SHA-256"),
        ([KEY, Secret("bearer-key-sha256", True, 43, True)], "bearer-key-sha256 is no SHA-256"),
        ([KEY, Secret("bearer-key-sha256", True, 64, True)], "links in mails, the API of contacts"),
        ([KEY, Secret("shopify-domain", False, 20)], "links in mails"),
        ([KEY, Secret("lnik-key", True, 64)], "lnik-key is none that Milepost reads"),
    ],
)
def test_malformed_store_key_is_wrong(secrets: list[Secret], said: str) -> None:
    assert any(said in str(each) for each in check_secrets({"acme": secrets}, "milepost"))


def test_stack_without_store_keys_is_wrong() -> None:
    assert only(check_secrets({}, "milepost")).state == "wrong"


def test_alarm_in_alarm_state_is_reported_even_without_subscriber() -> None:
    silent = Alarm("milepost-a", "OK", notifies=True)
    assert only(check_alarms([silent])).state == "ok"
    assert only(check_alarms([silent._replace(state="INSUFFICIENT_DATA")])).state == "ok"
    assert only(check_alarms([silent._replace(notifies=False)])).state == "advice"
    assert only(check_alarms([silent, silent._replace(state="ALARM")])).state == "wrong"
    assert only(check_alarms([])).state == "wrong"


def test_dead_letters_are_counted() -> None:
    assert only(check_dead_letters({"ReactDeadLetters": 0})).state == "ok"
    found = only(check_dead_letters({"ReactDeadLetters": 2, "PublishDeadLetters": 0}))
    assert found.said == "2 in ReactDeadLetters"


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, "ok"), (30, "ok"), (31, "wrong"), (-31, "wrong")]
)
def test_clock_may_be_off_by_half_a_minute(seconds: int, state: str) -> None:
    assert only(check_clock(NOON + timedelta(seconds=seconds), NOON)).state == state


def test_received_events_are_compared_with_sent_mails() -> None:
    expected = {"success": "delivered", "bounce": "bounced", "complaint": "complained"}
    heard = {"success": ["delivered", "sent"], "bounce": ["sent"]}
    assert [each.state for each in check_loop(expected, heard)] == ["ok", "wrong", "wrong"]
