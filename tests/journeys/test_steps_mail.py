"""The fields of `send_email`: sender, reply address and expiry; and conditions of branches."""

import re
from datetime import timedelta

import pytest

from milepost.sending.message import SubmissionRejected
from milepost.workflows.steps.send_email import SendEmail
from tests.journeys.visits import step, visited, world_of
from tests.support.builders import Json, branch, delay, send, settings, template


def test_step_can_set_sender_name_and_reply_address() -> None:
    own = send("own", from_name="Zoé from Support", reply_to="help@shop.example")
    world = world_of(own, send("usual"))
    world.publish({"settings.json": settings(reply_to="hello@shop.example")})
    visited(world)
    first, second = world.mails
    assert (first.sender_name, first.reply_to) == ("Zoé from Support", "help@shop.example")
    assert (second.sender_name, second.reply_to) == ("Harborline Goods", "hello@shop.example")


def test_mail_has_a_content_language_header() -> None:
    world = world_of(send("mail"), send("receipt", category="transactional"))
    assert [m.headers["Content-Language"] for m in visited(world).mails] == ["en", "en"]


def test_oversized_marketing_mail_fails_but_transactional_mail_is_sent() -> None:
    loop = "{% for line in event.lines %}{{ line }}<br>{% endfor %}"
    files = template("plain", body=loop)
    steps = send("offer", topic="offers"), send("receipt", category="transactional")
    world = world_of(*steps, files=files, category="marketing")
    world.consent()
    visited(world, {"lines": ["x" * 10_000] * 9})
    visited(world, {"lines": ["x" * 10_000] * 11})
    assert world.steps_mailed() == ["offer", "receipt", "receipt"]
    reasons = [m["reason"] for m in world.state.messages.values() if m["status"] == "failed"]
    assert reasons == [
        "plain (html): with this contact's values it is over 102 KB, where Gmail clips"
    ]


SIGNED = "Yours, {{ sender.name }}"


def test_sender_can_come_from_step_variant_or_contact_property() -> None:
    owner = "contact.properties.owner"
    variants = [
        {"name": "a", "template": "plain", "from": "lamp"},
        {"name": "b", "template": "plain", "from": "lamp"},
    ]
    steps = [
        send("anna", **{"from": "anna"}),
        send("owner", **{"from": owner, "reply_to": owner}),
        step("send_email", "tested", variants=variants),
        send("store"),
    ]
    senders = {
        "anna": {"name": "Anna", "address": "Anna@Mail.shop.example"},
        "ben": {"name": "Ben", "reply_to": "ben@shop.example"},
        "lamp": {"name": "Your lamp"},
    }
    files = {"settings.json": settings(senders=senders), **template("plain", body=SIGNED)}
    world = world_of(*steps, files=files)
    visited(world, properties={"owner": "ben"})
    signed = [re.findall("Yours, (.*?)<", mail.html) for mail in world.mails]
    assert signed == [["Anna"], ["Ben"], ["Your lamp"], ["Harborline Goods"]]
    assert [(m.sender_name, m.sender_address, m.reply_to) for m in world.mails] == [
        ("Anna", "anna@mail.shop.example", ""),
        ("Ben", "", "ben@shop.example"),
        ("Your lamp", "", ""),
        ("Harborline Goods", "", ""),
    ]


def test_unsubscribe_headers_cannot_be_changed_by_files_or_data() -> None:
    """No sender, subject or step field can add a header."""
    name = "List-Unsubscribe: <https://evil.example>"
    senders = {"anna": {"name": name}}
    files = {
        "settings.json": settings(senders=senders),
        **template("plain", "{{ event.note }}"),
    }
    world = world_of(send("a", **{"from": "anna"}), files=files, category="marketing")
    visited(world, {"note": f"Hello\r\n{name}"}, consent=[{"topic": "offers", "state": "granted"}])
    (mail,) = world.mails
    unsubscribe_headers = {"List-Unsubscribe", "List-Unsubscribe-Post"}
    assert mail.headers.keys() == {*unsubscribe_headers, "Content-Language"}
    assert mail.headers["List-Unsubscribe"].startswith("<https://mail.shop.example/v1/")
    assert "evil" not in str(mail.headers)
    assert not {field for field in SendEmail.model_fields if "header" in field or "list" in field}


@pytest.mark.parametrize(
    ("expires", "busy", "sent"),
    [("1 hour", 30, True), ("1 hour", 90, False), (None, 90, True), ("10 days", 90, True)],
)
def test_expired_mail_is_skipped_after_throttling(
    expires: str | None, busy: int, sent: bool
) -> None:
    """SES throttles for `busy` minutes."""
    mail = send("mail", **({"expires": expires} if expires else {}))
    world = world_of(mail, send("next"))
    end = world.now + timedelta(minutes=busy)
    world.mailer.script.extend([SubmissionRejected("Throttling", retry=True)] * 99)
    world.later(world.mailer.script.clear, minutes=busy)
    visited(world, days=2)
    assert world.now > end
    assert world.steps_mailed() == ["mail", "next"] if sent else ["next"]
    if not sent:
        assert world.messages()["mail"] == ("skipped", "expired")


def test_expiry_counts_from_the_step_and_not_from_entry() -> None:
    world = world_of(delay("9 days"), send("mail", expires="1 minute"))
    assert visited(world, days=10).steps_mailed() == ["mail"]


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ({"in_list": "club"}, True),
        ({"in_list": "other"}, False),
        ({"not": {"in_list": "other"}}, True),
        ({"step": "s", "output": "path", "in": ["a", "b"]}, True),
        ({"step": "join", "output": "data.nothing", "exists": True}, False),
        ({"step": "later", "output": "path", "exists": False}, True),
        ({"sum_of": "Paid", "of": "total", "gte": 60, "lte": 60}, True),
        ({"sum_of": "Paid", "of": "total", "gt": 60}, False),
        ({"sum_of": "Paid", "of": "lines[].n", "gte": 6, "lte": 6}, True),
        (
            {
                "sum_of": "Paid",
                "of": "total",
                "gte": 40,
                "lte": 40,
                "where": {"event": "kind", "is": "big"},
            },
            True,
        ),
        ({"sum_of": "Paid", "of": "total", "within": "30 minutes", "gte": 30, "lt": 31}, True),
        ({"sum_of": "Paid", "of": "total", "since": "enrollment", "lt": 1}, True),
        ({"sum_of": "Unheard", "of": "total", "gte": 0}, True),
        ({"sum_of": "Paid", "of": "words", "gte": 1}, False),
    ],
)
def test_branch_condition_gives_the_expected_answer(condition: Json, answer: bool) -> None:
    steps = [
        step("add_to_list", "join", list="club"),
        step("split", "s", paths=[{"name": "a"}, {"name": "b"}]),
        branch("ask", condition, [send("yes")], [send("no")]),
        branch("later", {"event": "x", "exists": True}, []),
    ]
    world = world_of(*steps)
    for total, kind in ((10, "small"), ("20", "big"), (True, "big"), (20.0, "big")):
        lines = [{"n": 1}, {"n": 1}] if kind == "big" else [{"n": "x"}]
        world.run_for(minutes=20)
        world.event("Paid", {"total": total, "kind": kind, "lines": lines, "words": "many"})
    world.event("Paid", {"total": 10, "kind": "small"})
    world.run_for(minutes=1)
    visited(world)
    assert world.steps_mailed() == ["yes" if answer else "no"]


def test_sum_beyond_float_range_is_very_large() -> None:
    condition = {"sum_of": "Paid", "of": "total", "gte": 1000}
    world = world_of(branch("ask", condition, [send("yes")]))
    for _ in range(3):
        world.event("Paid", {"total": 1e308, "more": "1e308"})
        world.run_for(minutes=1)
    assert visited(world).steps_mailed() == ["yes"]
