"""react, run_steps, await_event, trigger_email and trigger_date: one enrollment from end to end."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from functions.await_event.app import handler as await_event
from functions.react.app import handler as react
from functions.run_steps.app import handler as run_steps
from functions.trigger_date.app import handler as trigger_date
from milepost.base import times as instants
from milepost.base.addresses import address_hash
from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef
from milepost.contacts.event import contact_id
from milepost.contacts.profile import Consent, Profile
from milepost.enrollments.ports import PendingOutcomes
from milepost.sending.message import Accepted, Claimed
from milepost.wiring import core, tables
from tests.support.aws_events import queued, sample, told_by_sns
from tests.support.builders import branch, delay, draft, leave, send, template, wait_for, workflow
from tests.support.builders import enrollment as journey
from tests.support.builders import shop as files_of
from tests.support.cloud import EMAIL, ENVIRONMENT, FIRST_NAME, Cloud, Printed, Shop
from tests.support.handlers import (
    ago,
    enrolled,
    machine_of,
    record_ses_events,
    report,
    run,
    ses_event,
    tell,
    upload,
)
from tests.support.mailer import refusal

Json = dict[str, Any]
CART = workflow(
    delay("1 hour", "first-wait"),
    send("reminder"),
    wait_for("wait-for-click", "Email Clicked", "1 day", [leave("clicked", "came back")]),
    send("last-call"),
    exit_on=[{"event": "Order Completed"}],
    audience={"consents_to": "offers"},
)


@pytest.fixture
def cart(shop: Shop) -> Shop:
    """A store with a live cart workflow whose e-mail greets by name."""
    dear = "Dear {{ contact.first_name|default('reader') }}"
    upload(shop, files_of(cart=CART) | template("plain", body=dear))
    assert report(shop, "workflows.cart")["outcome"] == "published"
    shop.cloud.post.sent.clear()
    shop.cloud.post.answers.clear()
    return shop


@pytest.fixture
def entered(cart: Shop) -> Shop:
    """The contact has started a checkout."""
    tell(cart, "Checkout Started", {"total": 150})
    return cart


@pytest.fixture
def reminded(entered: Shop) -> Shop:
    """... and has received the reminder."""
    run(entered, "cart", "reminder")
    assert len(entered.cloud.post.sent) == 1
    return entered


def messages(shop: Shop) -> list[Json]:
    return shop.items("MESSAGE#")


def message(shop: Shop) -> str:
    (item,) = messages(shop)
    return str(item["sk"]["S"].removeprefix("MESSAGE#"))


def status(shop: Shop) -> str:
    (item,) = messages(shop)
    return str(item["status"]["S"])


def enrollment(shop: Shop) -> Json:
    (item,) = shop.items("ENROLLMENT#")
    return item


def profile(shop: Shop) -> Any:
    return tables.contacts().profile(shop.store, contact_id(shop.store, "email", EMAIL))


# --- react ---


def test_event_enrolls_contact_and_starts_state_machine(entered: Shop) -> None:
    (execution,) = entered.cloud.executions(machine_of(entered, "cart"))
    ref = json.loads(execution["input"])["enrollment"]
    assert execution["name"] == ref["id"]
    assert ref["contact"] == contact_id(entered.store, "email", EMAIL)
    assert profile(entered).get("first_name") == FIRST_NAME
    assert profile(entered).consents() == {"offers": "granted"}
    assert list(profile(entered).active_enrollments) == [ref["id"]]


def test_repeated_stream_record_changes_nothing(cart: Shop) -> None:
    new = tell(cart, "Checkout Started")
    before = cart.items()
    batch = cart.cloud.stream(*new)
    for record in batch["Records"]:
        record["dynamodb"]["SequenceNumber"] = "1".zfill(30)
    react(batch, None)
    assert cart.items() == before
    assert len(cart.cloud.executions(machine_of(cart, "cart"))) == 1


def test_failing_contact_does_not_block_other_contacts(cart: Shop, printed: Printed) -> None:
    """The failing contact's later events wait, the others are applied, and Lambda retries."""
    tell(cart, "Seen", id="seen-1")
    good = cart.events("Seen")[0]
    bad = json.loads(json.dumps(good).replace(good["pk"]["S"], f"S#{cart.store}#C#c-broken"))
    bad["body"] = {"S": f"{{not json of {EMAIL}"}
    later = json.loads(json.dumps(good).replace(good["pk"]["S"], bad["pk"]["S"]))
    other = json.loads(
        json.dumps(good).replace(good["pk"]["S"], f"S#{cart.store}#C#c{'0' * 21}abcd")
    )
    with pytest.raises(Exception, match="1 contacts"):
        react(cart.cloud.stream(bad, later, other), None)
    assert tables.contacts().profile(cart.store, f"c{'0' * 21}abcd") is not None
    assert tables.contacts().profile(cart.store, "c-broken") is None
    assert [r["exception_name"] for r in printed.records() if r.get("level") == "ERROR"] == [
        "JSONDecodeError"
    ]


def test_log_names_denial_reason_without_compared_values(shop: Shop, printed: Printed) -> None:
    document = workflow(send("a"), audience={"contact": "first_name", "is": "Somebody Else"})
    by_address = workflow(send("b"), audience={"contact": "email", "ends_with": "@other.example"})
    upload(shop, files_of(one=document, two=by_address))
    tell(shop, "Checkout Started")
    (record,) = [r for r in printed.records() if r.get("message") == "event applied"]
    assert record["refused"] == {"one": "audience", "two": "audience"}


def test_order_ends_enrollment_and_stops_its_execution(entered: Shop) -> None:
    tell(entered, "Order Completed", {"order_id": "o-1"})
    assert enrollment(entered)["status"]["S"] == "exited"
    assert enrollment(entered)["reason"]["S"] == "exit on Order Completed"
    (execution,) = entered.cloud.executions(machine_of(entered, "cart"))
    assert execution["status"] == "ABORTED"
    assert profile(entered).active_enrollments == {}


def test_goal_without_condition_ends_enrollment(shop: Shop) -> None:
    goal = {"event": "Order Completed", "where": None, "within": "5 days"}
    document = workflow(delay("1 hour"), send("a"), goal=goal, reentry={}, exit_on=[])
    upload(shop, files_of(cart=document))
    tell(shop, "Checkout Started")
    tell(shop, "Order Completed")
    assert enrollment(shop)["reason"]["S"] == "goal reached"


# --- run_steps ---


def test_first_wait_returns_its_due_time_to_the_state_machine(entered: Shop) -> None:
    before = datetime.now(UTC)
    rest = run(entered, "cart", "first-wait")
    assert rest["next"] == "first-wait"
    until, since = instants.parse_instant(rest["until"]), instants.parse_instant(rest["since"])
    assert until - since == timedelta(hours=1)
    assert abs(since - before) < timedelta(seconds=30)
    assert rest["enrollment"] == enrolled(entered, "cart")["enrollment"]


def test_repeated_block_run_waits_until_the_same_instant(entered: Shop) -> None:
    assert run(entered, "cart", "first-wait") == run(entered, "cart", "first-wait")


def test_repeated_block_run_sends_its_email_once(entered: Shop) -> None:
    first = run(entered, "cart", "reminder")
    assert run(entered, "cart", "reminder") == first
    assert first["next"] == "wait-for-click"
    (mail,) = entered.cloud.post.sent
    assert mail["Destination"] == {"ToAddresses": [EMAIL]}
    assert f"Dear {FIRST_NAME}" in mail["Content"]["Simple"]["Body"]["Html"]["Data"]
    assert mail["ConfigurationSetName"] == ENVIRONMENT["MILEPOST_CONFIGURATION_SET"]
    assert mail["FromEmailAddress"] == f'"Harborline Goods" <{ENVIRONMENT["MILEPOST_SENDER"]}>'
    tags = {tag["Name"]: tag["Value"] for tag in mail["EmailTags"]}
    assert tags == {
        "message": message(entered),
        "store": entered.store,
        "workflow": "cart",
        "step": "reminder",
    }
    assert status(entered) == "accepted"


def test_link_in_list_unsubscribe_header_unsubscribes(reminded: Shop) -> None:
    from functions.unsubscribe.app import handler as unsubscribe
    from tests.support.aws_events import posted

    (mail,) = reminded.cloud.post.sent
    headers = {h["Name"]: h["Value"] for h in mail["Content"]["Simple"]["Headers"]}
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = headers["List-Unsubscribe"].strip("<>")
    assert link.startswith(f"{ENVIRONMENT['MILEPOST_PUBLIC_URL']}/v1/{reminded.store}/unsubscribe/")
    token = link.rpartition("/")[2]
    assert EMAIL not in link
    request = posted("unsubscribe.post", "scope=topic", store=reminded.store, token=token)
    assert unsubscribe(request, None)["statusCode"] == 200
    assert profile(reminded).consents() == {"offers": "withdrawn"}
    assert run(reminded, "cart", "last-call")["next"] == "end"
    assert len(reminded.cloud.post.sent) == 1, "the second mail was not sent"


@pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException"])
def test_throttling_by_ses_is_retried_by_step_functions(entered: Shop, code: str) -> None:
    entered.cloud.post.answers = [refusal(code, 429)]
    with pytest.raises(ThrottledError):
        run(entered, "cart", "reminder")
    assert status(entered) == "throttled"
    run(entered, "cart", "reminder")
    assert status(entered) == "accepted"


def test_email_refused_by_ses_is_not_retried(entered: Shop) -> None:
    entered.cloud.post.answers = [refusal("MessageRejected")]
    run(entered, "cart", "reminder")
    run(entered, "cart", "reminder")
    assert (status(entered), len(entered.cloud.post.sent)) == ("rejected", 1)


def test_missing_answer_of_ses_leaves_the_message_open(entered: Shop) -> None:
    entered.cloud.post.answers = [ReadTimeoutError(endpoint_url="https://email")]
    run(entered, "cart", "reminder")
    run(entered, "cart", "reminder")
    assert (status(entered), len(entered.cloud.post.sent)) == ("unknown", 1)
    record_ses_events(ses_event(message(entered), "send", entered))
    assert status(entered) == "accepted", "what nobody answered, a report settles"


def test_failed_execution_ends_its_enrollment(entered: Shop) -> None:
    task = sample("aws", "stepfunctions.abandon") | enrolled(entered, "cart")
    assert run_steps(task, None)["next"] == "end"
    assert enrollment(entered)["status"]["S"] == "failed"
    assert enrollment(entered)["reason"]["S"] == "States.Timeout"
    assert profile(entered).active_enrollments == {}


def test_aborted_execution_ends_enrollment_by_its_status_event(entered: Shop) -> None:
    """A person stopped it, or it exceeded its year: EventBridge reports both."""
    (execution,) = entered.cloud.executions(machine_of(entered, "cart"))
    event = sample("aws", "eventbridge.execution")
    event["detail"] |= {"input": execution["input"], "status": "TIMED_OUT"}
    run_steps(event, None)
    assert enrollment(entered)["reason"]["S"] == "state machine TIMED_OUT"
    assert profile(entered).active_enrollments == {}


def test_enrollment_not_yet_stored_is_retried(entered: Shop) -> None:
    ref = enrolled(entered, "cart")["enrollment"] | {"id": "e" + "0" * 31}
    with pytest.raises(ThrottledError):
        run_steps({"enrollment": ref, "block": "first-wait"}, None)


def test_branch_is_decided_once(shop: Shop) -> None:
    document = workflow(
        branch(
            "big", {"event": "total", "gte": 100}, [delay("1 hour", "yes")], [delay("1 day", "no")]
        )
    )
    upload(shop, files_of(cart=document))
    tell(shop, "Checkout Started", {"total": "421.88"})
    assert run(shop, "cart", "big")["next"] == "yes"
    outcome = json.loads(enrollment(shop)["outcome:big"]["S"])
    assert outcome == {"path": "yes", "why": "event.total is 421.88 (condition: is at least 100)"}


# --- await_event and trigger_email ---


def wait(shop: Shop, token: str, since: str) -> None:
    task = sample("aws", "stepfunctions.await") | enrolled(shop, "cart")
    await_event(task | {"token": token, "since": since}, None)


def test_click_resumes_the_wait(reminded: Shop) -> None:
    wait(reminded, "token-1", ago())
    assert reminded.cloud.states.answered == []
    clicked_at = datetime.now(UTC).isoformat()
    batch = ses_event(message(reminded), "click", reminded, timestamp=clicked_at)
    assert record_ses_events(batch) == []
    react(reminded.cloud.stream(*reminded.events("Email Clicked")), None)
    assert reminded.cloud.states.answered == ["token-1"]
    reminded.cloud.states.answered.clear()
    assert run(reminded, "cart", "clicked")["next"] == "end"
    assert enrollment(reminded)["reason"]["S"] == "came back"


def test_click_before_the_wait_resumes_it_at_once(reminded: Shop) -> None:
    since = ago()
    record_ses_events(
        ses_event(message(reminded), "click", reminded, timestamp=datetime.now(UTC).isoformat())
    )
    react(reminded.cloud.stream(*reminded.events("Email Clicked")), None)
    wait(reminded, "token-2", since)
    assert reminded.cloud.states.answered == ["token-2"]
    reminded.cloud.states.answered.clear()


KINDS = {
    "send": ("sent_at", None, False),
    "delivery": ("delivered_at", None, False),
    "open": ("opened_at", "Email Opened", False),
    "click": ("clicked_at", "Email Clicked", False),
    "bounce.permanent": ("bounced_at", "Email Bounced", True),
    "bounce.suppressed": ("bounced_at", "Email Bounced", True),
    "bounce.transient": ("bounced_at", "Email Bounced", False),
    "bounce.undetermined": ("bounced_at", "Email Bounced", False),
    "complaint": ("complained_at", "Email Marked as Spam", True),
    "complaint.redacted": ("complained_at", "Email Marked as Spam", True),
    "reject": ("rejected_at", None, False),
    "rendering-failure": ("rejected_at", None, False),
    "delivery-delay": ("delayed_at", None, False),
    "open.apple": ("bot_opened_at", "Email Opened by Bot", False),
    "click.scanner": ("bot_clicked_at", "Email Clicked by Bot", False),
}


@pytest.fixture
def sent(shop: Shop) -> Shop:
    """A store with one accepted message in its ledger."""
    contact = contact_id(shop.store, "email", EMAIL)
    ref = EnrollmentRef(shop.store, contact, "cart", 1, "e" + "1" * 31)
    mail = draft(ref=ref, recipient=EMAIL)
    now = datetime.now(UTC)
    consent = Consent("granted", now, "form", "footer")
    fields = {"email": (EMAIL, instants.format_instant(now), "evt-1")}
    known = Profile(
        shop.store, contact, fields=fields, consent={"offers": consent}, last_sequence=1
    )
    assert tables.contacts().apply(None, known)
    assert tables.enrollments().enroll(journey(ref=ref))
    assert isinstance(tables.ledger().claim(mail, PendingOutcomes(), now), Claimed)
    tables.ledger().record_result(mail.ref, Accepted("0100-1"), now)
    return shop


@pytest.mark.parametrize("kind", KINDS)
def test_every_delivery_event_is_recorded(sent: Shop, kind: str) -> None:
    field, event, suppresses = KINDS[kind]
    batch = ses_event(message(sent), kind, sent)
    assert record_ses_events(batch) == []
    assert record_ses_events(batch) == [], "reports are repeated"
    (item,) = messages(sent)
    assert field in item
    assert item["status"]["S"] == ("rejected" if field == "rejected_at" else "accepted")
    names = [e["name"]["S"] for e in sent.events("Email")]
    assert names == ([event] if event else [])
    blocked = f"S#{sent.store}#X#{address_hash(EMAIL)}"
    assert bool(sent.cloud.contacts(blocked)) is suppresses


@pytest.mark.parametrize(
    "kind",
    ["complaint.not-spam", "subscription", "legacy.bounce", "untagged.bounce"],
)
def test_unknown_delivery_event_is_skipped_and_counted(
    sent: Shop, printed: Printed, kind: str
) -> None:
    before = sent.items()
    event = sample("ses", kind)
    if kind not in {"legacy.bounce", "untagged.bounce"}:
        event["mail"]["tags"] |= {"message": [message(sent)], "store": [sent.store]}
    assert record_ses_events(queued(told_by_sns(event))) == []
    assert printed.counted("EmailEventsIgnored") == 1
    assert sent.items() == before


@pytest.mark.parametrize(("kind", "times"), [("bounce.transient", 1), ("bounce.permanent", 0)])
def test_soft_bounce_is_counted(sent: Shop, printed: Printed, kind: str, times: int) -> None:
    record_ses_events(ses_event(message(sent), kind, sent))
    assert printed.counted("BouncesTransient") == times


def test_first_test_notification_of_ses_is_no_failure(printed: Printed, shop: Shop) -> None:
    """Otherwise every first deployment would put a message into the failure queue."""
    greeting = "Successfully validated SNS topic for Amazon SES event publishing."
    assert record_ses_events(queued(told_by_sns(greeting))) == []
    assert printed.counted("EmailEventsIgnored") == 1


def test_bounce_for_another_address_suppresses_no_address(sent: Shop, printed: Printed) -> None:
    foreign = [{"emailAddress": "other@mail.example"}]
    batch = ses_event(message(sent), "bounce.permanent", sent, bouncedRecipients=foreign)
    assert record_ses_events(batch) == []
    assert printed.counted("EmailEventsUnknown") == 1
    assert not sent.cloud.contacts(f"S#{sent.store}#X#")
    assert sent.events("Email") == []


def test_bounce_of_unknown_message_suppresses_no_address(sent: Shop, printed: Printed) -> None:
    ref = f"{contact_id(sent.store, 'email', EMAIL)}-{'0' * 24}"
    assert record_ses_events(ses_event(ref, "bounce.permanent", sent)) == []
    assert printed.counted("EmailEventsUnknown") == 1
    assert not sent.cloud.contacts(f"S#{sent.store}#X#")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '{"Message": 7}',
        '{"Message": "{"}',
        '{"Message": "[]"}',
        json.dumps({"Message": json.dumps({"eventType": "Bounce"})}),
        json.dumps({"Message": json.dumps({"eventType": ["Bounce"]})}),
    ],
)
def test_malformed_delivery_event_fails_alone(sent: Shop, body: str) -> None:
    good = ses_event(message(sent), "delivery", sent)["Records"][0]["body"]
    assert record_ses_events(queued(good, body, good)) == ["message-1"]
    assert "delivered_at" in messages(sent)[0]


def test_suppressed_address_gets_no_further_email(reminded: Shop) -> None:
    record_ses_events(ses_event(message(reminded), "bounce.permanent", reminded))
    assert run(reminded, "cart", "last-call")["next"] == "end"
    assert len(reminded.cloud.post.sent) == 1
    reasons = [m["reason"]["S"] for m in messages(reminded) if m["status"]["S"] == "skipped"]
    assert reasons == ["suppressed: hard bounce"]


# --- trigger_date ---


class LambdaClient:
    """A Lambda client that calls `run_steps` in this process."""

    def __init__(self) -> None:
        self.called: list[Json] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Json:
        assert FunctionName == ENVIRONMENT["MILEPOST_RUN_STEPS_ARN"]
        self.called.append(json.loads(Payload))
        answer = json.dumps(run_steps(self.called[-1], None)).encode()
        return {"StatusCode": 200, "Payload": io.BytesIO(answer)}


@pytest.fixture
def functions(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> LambdaClient:
    made, real = LambdaClient(), core.client
    monkeypatch.setattr(core, "client", lambda name: made if name == "lambda" else real(name))
    return made


def message_without_answer(shop: Shop, category: str) -> Shop:
    document = workflow(send("receipt", category=category))
    upload(shop, files_of(cart=document))
    tell(shop, "Checkout Started")
    shop.cloud.post.sent.clear()
    shop.cloud.post.answers = [ReadTimeoutError(endpoint_url="https://email")] * 2
    run(shop, "cart", "receipt")
    assert status(shop) == "unknown"
    return shop


def settle_after_15_minutes(monkeypatch: pytest.MonkeyPatch, minutes: int = 16) -> None:
    from milepost.wiring.clock import Clock

    later = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr(Clock, "wire_now", lambda _: later)


def test_message_stays_open_while_delivery_event_may_arrive(
    shop: Shop, functions: LambdaClient, printed: Printed
) -> None:
    message_without_answer(shop, "transactional")
    trigger_date(sample("aws", "scheduler"), None)
    assert functions.called == []
    assert printed.counted("MessagesRetried") == 0
    record_ses_events(ses_event(message(shop), "send", shop))


def test_marketing_without_answer_is_abandoned(
    shop: Shop, functions: LambdaClient, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_without_answer(shop, "marketing")
    settle_after_15_minutes(monkeypatch)
    trigger_date(sample("aws", "scheduler"), None)
    assert (len(shop.cloud.post.sent), functions.called) == (1, [])
    assert printed.counted("MessagesAbandoned") == 1
    (item,) = messages(shop)
    assert (item["status"]["S"], "abandoned_at" in item) == ("unknown", True)


def test_receipt_without_answer_is_sent_once_more_then_abandoned(
    shop: Shop, functions: LambdaClient, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_without_answer(shop, "transactional")
    settle_after_15_minutes(monkeypatch)
    trigger_date(sample("aws", "scheduler"), None)
    assert len(shop.cloud.post.sent) == 2
    assert printed.counted("MessagesRetried") == 1
    settle_after_15_minutes(monkeypatch, 60)
    trigger_date(sample("aws", "scheduler"), None)
    assert len(shop.cloud.post.sent) == 2
    assert printed.counted("MessagesAbandoned") == 1
