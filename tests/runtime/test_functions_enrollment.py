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
from milepost.base import instants
from milepost.base.errors import ThrottledError
from milepost.base.refs import EnrollmentRef
from milepost.contacts.event import contact_id
from milepost.contacts.profile import Consent, Profile
from milepost.contacts.suppression import address_hash
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
    """A store with the cart workflow live, and a greeting by name in its mail."""
    dear = "Dear {{ contact.first_name|default('reader') }}"
    upload(shop, files_of(cart=CART) | template("plain", body=dear))
    assert report(shop, "workflows.cart")["outcome"] == "published"
    shop.cloud.post.sent.clear()
    shop.cloud.post.answers.clear()
    return shop


@pytest.fixture
def entered(cart: Shop) -> Shop:
    """The person has begun a checkout."""
    tell(cart, "Checkout Started", {"total": 150})
    return cart


@pytest.fixture
def mailed(entered: Shop) -> Shop:
    """... and has got the reminder."""
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


def test_an_event_enrolls_the_contact_and_starts_the_published_machine(entered: Shop) -> None:
    (execution,) = entered.cloud.executions(machine_of(entered, "cart"))
    ref = json.loads(execution["input"])["enrollment"]
    assert execution["name"] == ref["id"]
    assert ref["contact"] == contact_id(entered.store, "email", EMAIL)
    assert profile(entered).get("first_name") == FIRST_NAME
    assert profile(entered).consents() == {"offers": "granted"}
    assert list(profile(entered).active_enrollments) == [ref["id"]]


def test_a_record_of_the_stream_that_comes_again_changes_nothing(cart: Shop) -> None:
    new = tell(cart, "Checkout Started")
    before = cart.items()
    batch = cart.cloud.stream(*new)
    for record in batch["Records"]:
        record["dynamodb"]["SequenceNumber"] = "1".zfill(30)
    react(batch, None)
    assert cart.items() == before
    assert len(cart.cloud.executions(machine_of(cart, "cart"))) == 1


def test_a_contact_that_cannot_be_brought_up_to_date_holds_up_nobody_else(
    cart: Shop, printed: Printed
) -> None:
    """The bad one's later events wait, the others are applied, and Lambda is told to come again."""
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


def test_the_log_names_the_reason_against_entering_but_not_what_was_compared(
    shop: Shop, printed: Printed
) -> None:
    document = workflow(send("a"), audience={"contact": "first_name", "is": "Somebody Else"})
    by_address = workflow(send("b"), audience={"contact": "email", "ends_with": "@other.example"})
    upload(shop, files_of(one=document, two=by_address))
    tell(shop, "Checkout Started")
    (record,) = [r for r in printed.records() if r.get("message") == "event applied"]
    assert record["refused"] == {"one": "audience", "two": "audience"}


def test_an_order_ends_the_enrollment_and_stops_its_machine(entered: Shop) -> None:
    tell(entered, "Order Completed", {"order_id": "o-1"})
    assert enrollment(entered)["status"]["S"] == "exited"
    assert enrollment(entered)["reason"]["S"] == "exit on Order Completed"
    (execution,) = entered.cloud.executions(machine_of(entered, "cart"))
    assert execution["status"] == "ABORTED"
    assert profile(entered).active_enrollments == {}


def test_a_goal_without_a_condition_ends_the_enrollment_too(shop: Shop) -> None:
    goal = {"event": "Order Completed", "where": None, "within": "5 days"}
    document = workflow(delay("1 hour"), send("a"), goal=goal, reentry={}, exit_on=[])
    upload(shop, files_of(cart=document))
    tell(shop, "Checkout Started")
    tell(shop, "Order Completed")
    assert enrollment(shop)["reason"]["S"] == "goal reached"


# --- run_steps ---


def test_the_machine_begins_with_a_wait_and_is_told_until_when(entered: Shop) -> None:
    before = datetime.now(UTC)
    rest = run(entered, "cart", "first-wait")
    assert rest["next"] == "first-wait"
    until, since = instants.parse_instant(rest["until"]), instants.parse_instant(rest["since"])
    assert until - since == timedelta(hours=1)
    assert abs(since - before) < timedelta(seconds=30)
    assert rest["enrollment"] == enrolled(entered, "cart")["enrollment"]


def test_a_block_that_runs_again_waits_until_the_same_instant(entered: Shop) -> None:
    assert run(entered, "cart", "first-wait") == run(entered, "cart", "first-wait")


def test_a_mail_goes_out_once_however_often_its_block_runs(entered: Shop) -> None:
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
        "message": message(entered), "store": entered.store, "workflow": "cart", "step": "reminder"
    }  # fmt: skip
    assert status(entered) == "accepted"


def test_the_link_in_the_header_unsubscribes(mailed: Shop) -> None:
    from functions.unsubscribe.app import handler as unsubscribe
    from tests.support.aws_events import posted

    (mail,) = mailed.cloud.post.sent
    headers = {h["Name"]: h["Value"] for h in mail["Content"]["Simple"]["Headers"]}
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = headers["List-Unsubscribe"].strip("<>")
    assert link.startswith(f"{ENVIRONMENT['MILEPOST_PUBLIC_URL']}/v1/{mailed.store}/unsubscribe/")
    token = link.rpartition("/")[2]
    assert EMAIL not in link
    request = posted("unsubscribe.post", "scope=topic", store=mailed.store, token=token)
    assert unsubscribe(request, None)["statusCode"] == 200
    assert profile(mailed).consents() == {"offers": "withdrawn"}
    assert run(mailed, "cart", "last-call")["next"] == "end"
    assert len(mailed.cloud.post.sent) == 1, "the second mail was not sent"


@pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException"])
def test_a_post_that_is_busy_is_tried_again_by_step_functions(entered: Shop, code: str) -> None:
    entered.cloud.post.answers = [refusal(code, 429)]
    with pytest.raises(ThrottledError):
        run(entered, "cart", "reminder")
    assert status(entered) == "throttled"
    run(entered, "cart", "reminder")
    assert status(entered) == "accepted"


def test_a_post_that_refuses_is_not_asked_again(entered: Shop) -> None:
    entered.cloud.post.answers = [refusal("MessageRejected")]
    run(entered, "cart", "reminder")
    run(entered, "cart", "reminder")
    assert (status(entered), len(entered.cloud.post.sent)) == ("rejected", 1)


def test_a_post_that_does_not_answer_leaves_the_outcome_open(entered: Shop) -> None:
    entered.cloud.post.answers = [ReadTimeoutError(endpoint_url="https://email")]
    run(entered, "cart", "reminder")
    run(entered, "cart", "reminder")
    assert (status(entered), len(entered.cloud.post.sent)) == ("unknown", 1)
    record_ses_events(ses_event(message(entered), "send", entered))
    assert status(entered) == "accepted", "what nobody answered, a report settles"


def test_a_machine_that_failed_leaves_nobody_behind(entered: Shop) -> None:
    task = sample("aws", "stepfunctions.abandon") | enrolled(entered, "cart")
    assert run_steps(task, None)["next"] == "end"
    assert enrollment(entered)["status"]["S"] == "failed"
    assert enrollment(entered)["reason"]["S"] == "States.Timeout"
    assert profile(entered).active_enrollments == {}


def test_a_machine_that_ended_without_a_word_is_told_by_step_functions(entered: Shop) -> None:
    """A person stopped it, or it ran out of its year: EventBridge tells."""
    (execution,) = entered.cloud.executions(machine_of(entered, "cart"))
    event = sample("aws", "eventbridge.execution")
    event["detail"] |= {"input": execution["input"], "status": "TIMED_OUT"}
    run_steps(event, None)
    assert enrollment(entered)["reason"]["S"] == "state machine TIMED_OUT"
    assert profile(entered).active_enrollments == {}


def test_an_enrollment_that_is_not_there_yet_is_asked_for_again(entered: Shop) -> None:
    ref = enrolled(entered, "cart")["enrollment"] | {"id": "e" + "0" * 31}
    with pytest.raises(ThrottledError):
        run_steps({"enrollment": ref, "block": "first-wait"}, None)


def test_a_branch_is_decided_once(shop: Shop) -> None:
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


def test_a_click_wakes_the_wait(mailed: Shop) -> None:
    wait(mailed, "token-1", ago())
    assert mailed.cloud.states.answered == []
    clicked_at = datetime.now(UTC).isoformat()
    batch = ses_event(message(mailed), "click", mailed, timestamp=clicked_at)
    assert record_ses_events(batch) == []
    react(mailed.cloud.stream(*mailed.events("Email Clicked")), None)
    assert mailed.cloud.states.answered == ["token-1"]
    mailed.cloud.states.answered.clear()
    assert run(mailed, "cart", "clicked")["next"] == "end"
    assert enrollment(mailed)["reason"]["S"] == "came back"


def test_a_click_that_is_faster_than_the_wait_wakes_it_at_once(mailed: Shop) -> None:
    since = ago()
    record_ses_events(
        ses_event(message(mailed), "click", mailed, timestamp=datetime.now(UTC).isoformat())
    )
    react(mailed.cloud.stream(*mailed.events("Email Clicked")), None)
    wait(mailed, "token-2", since)
    assert mailed.cloud.states.answered == ["token-2"]
    mailed.cloud.states.answered.clear()


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
    """A store whose ledger holds one accepted message to the person, and nothing else."""
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
def test_every_report_of_ses_is_kept(sent: Shop, kind: str) -> None:
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
def test_a_report_that_tells_nothing_is_passed_over_and_counted(
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
def test_a_bounce_that_passes_is_counted(
    sent: Shop, printed: Printed, kind: str, times: int
) -> None:
    record_ses_events(ses_event(message(sent), kind, sent))
    assert printed.counted("BouncesTransient") == times


def test_the_greeting_of_ses_to_a_new_topic_is_not_a_failure(printed: Printed, shop: Shop) -> None:
    """Otherwise every first deployment would end with a message in the failure queue."""
    greeting = "Successfully validated SNS topic for Amazon SES event publishing."
    assert record_ses_events(queued(told_by_sns(greeting))) == []
    assert printed.counted("EmailEventsIgnored") == 1


def test_a_bounce_about_somebody_else_suppresses_nobody(sent: Shop, printed: Printed) -> None:
    foreign = [{"emailAddress": "other@mail.example"}]
    batch = ses_event(message(sent), "bounce.permanent", sent, bouncedRecipients=foreign)
    assert record_ses_events(batch) == []
    assert printed.counted("EmailEventsUnknown") == 1
    assert not sent.cloud.contacts(f"S#{sent.store}#X#")
    assert sent.events("Email") == []


def test_a_bounce_of_a_message_we_never_sent_suppresses_nobody(
    sent: Shop, printed: Printed
) -> None:
    ref = f"{contact_id(sent.store, 'email', EMAIL)}-{'0' * 24}"
    assert record_ses_events(ses_event(ref, "bounce.permanent", sent)) == []
    assert printed.counted("EmailEventsUnknown") == 1
    assert not sent.cloud.contacts(f"S#{sent.store}#X#")


@pytest.mark.parametrize(
    "body",
    ["", "{", "null", "[]", "{}", '{"Message": 7}', '{"Message": "{"}', '{"Message": "[]"}',
     json.dumps({"Message": json.dumps({"eventType": "Bounce"})}),
     json.dumps({"Message": json.dumps({"eventType": ["Bounce"]})})],
)  # fmt: skip
def test_what_is_no_report_fails_alone(sent: Shop, body: str) -> None:
    good = ses_event(message(sent), "delivery", sent)["Records"][0]["body"]
    assert record_ses_events(queued(good, body, good)) == ["message-1"]
    assert "delivered_at" in messages(sent)[0]


def test_an_address_on_the_list_is_not_mailed_again(mailed: Shop) -> None:
    record_ses_events(ses_event(message(mailed), "bounce.permanent", mailed))
    assert run(mailed, "cart", "last-call")["next"] == "end"
    assert len(mailed.cloud.post.sent) == 1
    reasons = [m["reason"]["S"] for m in messages(mailed) if m["status"]["S"] == "skipped"]
    assert reasons == ["suppressed: hard bounce"]


# --- trigger_date ---


class Functions:
    """Lambda's client: calls `run_steps` in this process."""

    def __init__(self) -> None:
        self.called: list[Json] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Json:
        assert FunctionName == ENVIRONMENT["MILEPOST_RUN_STEPS_ARN"]
        self.called.append(json.loads(Payload))
        answer = json.dumps(run_steps(self.called[-1], None)).encode()
        return {"StatusCode": 200, "Payload": io.BytesIO(answer)}


@pytest.fixture
def functions(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Functions:
    made, real = Functions(), core.client
    monkeypatch.setattr(core, "client", lambda name: made if name == "lambda" else real(name))
    return made


def unanswered(shop: Shop, category: str) -> Shop:
    document = workflow(send("receipt", category=category))
    upload(shop, files_of(cart=document))
    tell(shop, "Checkout Started")
    shop.cloud.post.sent.clear()
    shop.cloud.post.answers = [ReadTimeoutError(endpoint_url="https://email")] * 2
    run(shop, "cart", "receipt")
    assert status(shop) == "unknown"
    return shop


def in_a_quarter_of_an_hour(monkeypatch: pytest.MonkeyPatch, minutes: int = 16) -> None:
    from milepost.wiring.clock import Clock

    later = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr(Clock, "wire_now", lambda _: later)


def test_nothing_is_decided_while_a_report_may_still_come(
    shop: Shop, functions: Functions, printed: Printed
) -> None:
    unanswered(shop, "transactional")
    trigger_date(sample("aws", "scheduler"), None)
    assert functions.called == []
    assert printed.counted("MessagesRetried") == 0
    record_ses_events(ses_event(message(shop), "send", shop))


def test_marketing_without_an_answer_is_given_up(
    shop: Shop, functions: Functions, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    unanswered(shop, "marketing")
    in_a_quarter_of_an_hour(monkeypatch)
    trigger_date(sample("aws", "scheduler"), None)
    assert (len(shop.cloud.post.sent), functions.called) == (1, [])
    assert printed.counted("MessagesAbandoned") == 1
    (item,) = messages(shop)
    assert (item["status"]["S"], "abandoned_at" in item) == ("unknown", True)


def test_a_receipt_without_an_answer_is_sent_once_more_and_then_given_up(
    shop: Shop, functions: Functions, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    unanswered(shop, "transactional")
    in_a_quarter_of_an_hour(monkeypatch)
    trigger_date(sample("aws", "scheduler"), None)
    assert len(shop.cloud.post.sent) == 2
    assert printed.counted("MessagesRetried") == 1
    in_a_quarter_of_an_hour(monkeypatch, 60)
    trigger_date(sample("aws", "scheduler"), None)
    assert len(shop.cloud.post.sent) == 2
    assert printed.counted("MessagesAbandoned") == 1
