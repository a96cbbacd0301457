"""The marketing stop: too many bounces or complaints stop marketing until `milepost resume`."""

from collections import Counter
from datetime import timedelta

import pytest

from milepost.sending.message import Accepted, SubmissionRejected
from milepost.sending.rate_limit import SesQuota
from tests.support.builders import STORE, Json, branch, delay, send, settings, shop, workflow
from tests.support.faults import Faults
from tests.support.world import World

HOUR = timedelta(hours=1)
RECIPIENTS = [f"recipient-{number}@mail.example" for number in range(300)]
OFFER = send("offer")


def a_shop(faults: Faults | None = None, echo: int = 1, offer: Json | list[Json] = OFFER) -> World:
    """A shop that sends offers after visits and receipts after orders."""
    world = World(faults=faults, echo=echo)
    steps = offer if isinstance(offer, list) else [offer]
    world.publish(
        shop(
            visit=workflow(*steps, on="Visited", topic="offers"),
            order=workflow(send("receipt"), on="Ordered", category="transactional"),
        )
    )
    return world


def visit(world: World, recipients: list[str]) -> None:
    for email in recipients:
        world.consent(email=email)
        world.event("Visited", email=email)
    world.run_for(minutes=5)


def bounce(world: World, number: int) -> None:
    for mail in world.mails[:number]:
        world.bounce(mail)
    world.run_for(minutes=2)


def stopped(echo: int = 1, offer: Json | list[Json] = OFFER) -> World:
    """A shop in which five of fifty mails have bounced."""
    world = a_shop(echo=echo, offer=offer)
    visit(world, RECIPIENTS[:50])
    bounce(world, 5)
    return world


def mailed(world: World, step: str) -> list[str]:
    return [mail.to for mail in world.mails if mail.tags["step"] == step]


def test_marketing_stops_at_five_bounces_and_not_before() -> None:
    world = a_shop()
    visit(world, RECIPIENTS[:250])
    bounce(world, 4)
    assert world.registry.head(STORE).breaker is None
    bounce(world, 5)
    breaker = world.registry.head(STORE).breaker
    assert breaker is not None
    assert (breaker.number, breaker.sent, breaker.alerted) == (5, 250, True)


def test_complaints_stop_marketing() -> None:
    world = a_shop()
    visit(world, RECIPIENTS[:50])
    for mail in world.mails[:3]:
        world.complain(mail)
    world.run_for(minutes=1)
    assert world.registry.head(STORE).breaker is not None


@pytest.mark.parametrize("echo", [1, 3])
def test_repeated_bounce_reports_count_once(echo: int) -> None:
    world = a_shop(echo=echo)
    visit(world, RECIPIENTS[:50])
    for _ in range(3):
        bounce(world, 4)
    assert world.registry.head(STORE).breaker is None
    ((_, _, _), tally), *_ = world.tallies.counts.items()
    assert (tally.sent, tally.bounced) == (50, 4)


def test_soft_bounces_do_not_count() -> None:
    world = a_shop()
    visit(world, RECIPIENTS[:50])
    for mail in world.mails:
        world.bounce(mail, permanent=False)
    world.run_for(minutes=1)
    assert world.registry.head(STORE).breaker is None


def test_transactional_mail_counts_neither_as_sent_nor_as_bounced() -> None:
    world = a_shop()
    for email in RECIPIENTS[:50]:
        world.event("Ordered", email=email)
    world.run_for(minutes=1)
    bounce(world, 20)
    assert world.registry.head(STORE).breaker is None


def test_staff_are_alerted_once() -> None:
    world = stopped(echo=2)
    bounce(world, 20)
    ((subject, text),) = world.alerts.told
    assert subject == f"{STORE}: marketing is stopped"
    assert "5 of 50 marketing mails of the last day bounced for good (10.00 %)" in text
    assert f"milepost resume {STORE}" in text
    assert "@" not in text


def test_marketing_waits_while_transactional_mail_continues() -> None:
    world = stopped()
    visit(world, RECIPIENTS[60:65])
    for email in RECIPIENTS[60:65]:
        world.event("Ordered", email=email)
    world.run_for(days=2)
    assert mailed(world, "receipt") == RECIPIENTS[60:65]
    assert len(mailed(world, "offer")) == 50
    waiting = [e for e in world.state.enrollments.values() if e.status == "active"]
    assert len(waiting) == 5


def test_receipt_does_not_wait_behind_an_offer_already_sent() -> None:
    """The block is run again, because SES throttled the receipt."""
    world = a_shop()
    both = workflow(OFFER, send("receipt", category="transactional"), on="Visited", topic="offers")
    world.publish({"workflows/visit.json": both})
    visit(world, RECIPIENTS[:50])
    world.mailer.script.extend(
        [Accepted("ses-51"), *[SubmissionRejected("Throttling", retry=True)] * 15]
    )
    visit(world, RECIPIENTS[50:51])
    assert mailed(world, "receipt") == RECIPIENTS[:50]
    for mail in [mail for mail in world.mails if mail.tags["step"] == "offer"][:5]:
        world.bounce(mail)
    world.run_for(days=1)
    assert world.registry.head(STORE).breaker is not None
    assert mailed(world, "offer") == mailed(world, "receipt") == RECIPIENTS[:51]


def test_migration_skips_no_mail_that_waits_for_resume() -> None:
    series = [OFFER, delay("5 days"), send("again")]
    world = stopped(offer=series)
    visit(world, RECIPIENTS[60:65])
    new_version = workflow(*series, send("last"), on="Visited", topic="offers")
    world.publish(
        {"workflows/visit.json": {**new_version, "active_enrollments": {"on_publish": "migrate"}}}
    )
    world.run_for(days=1)
    assert world.shelf.works == {}
    assert world.resumer.resume(STORE, "ann", "the list was cleaned")
    world.run_for(days=10)
    assert {*mailed(world, "offer")[50:]} == {*RECIPIENTS[60:65]}
    # Bounced addresses get no more mail; deferred enrollments finish their own version.
    assert {*mailed(world, "last")} == {*RECIPIENTS[5:50]}


def test_marketing_stop_does_not_end_by_itself() -> None:
    world = stopped()
    visit(world, RECIPIENTS[60:65])
    world.run_for(days=20)
    assert len(mailed(world, "offer")) == 50


def test_waiting_contacts_are_mailed_once_on_resume() -> None:
    world = stopped()
    visit(world, RECIPIENTS[60:65])
    world.run_for(days=1)
    assert world.resumer.resume(STORE, "ann", "the list was cleaned")
    world.run_for(minutes=5)
    assert Counter(mailed(world, "offer")) == Counter([*RECIPIENTS[:50], *RECIPIENTS[60:65]])
    assert not world.resumer.resume(STORE, "ann", "again")


def test_expired_mail_is_skipped_on_resume() -> None:
    world = stopped(offer=send("offer", expires="6 hours"))
    visit(world, RECIPIENTS[60:65])
    world.run_for(days=1)
    world.resumer.resume(STORE, "ann", "the list was cleaned")
    world.run_for(hours=1)
    assert len(mailed(world, "offer")) == 50
    reasons = Counter(message.get("reason") for message in world.state.messages.values())
    assert reasons["expired"] == 5


def test_resume_starts_new_counts_without_old_mails() -> None:
    world = stopped()
    world.resumer.resume(STORE, "ann", "the list was cleaned")
    bounce(world, 30)
    assert world.registry.head(STORE).breaker is None
    visit(world, RECIPIENTS[100:150])
    for mail in world.mails[-5:]:
        world.bounce(mail)
    world.run_for(minutes=1)
    assert world.registry.head(STORE).breaker is not None
    assert len(world.alerts.told) == 2


def test_end_of_a_pause_does_not_end_the_marketing_stop() -> None:
    world = stopped()
    visit(world, RECIPIENTS[60:65])
    world.publish({"settings.json": settings(paused=True)})
    world.run_for(hours=1)
    world.publish({"settings.json": settings(paused=False)})
    world.run_for(days=1)
    assert len(mailed(world, "offer")) == 50
    assert world.works.open() == []
    world.resumer.resume(STORE, "ann", "the list was cleaned")
    world.run_for(minutes=5)
    assert len(mailed(world, "offer")) == 55


def test_offers_held_by_the_marketing_stop_do_not_block_receipts() -> None:
    """Four enrollments resume per minute, and the first eight must not get their offers yet."""
    world = World(most=4)
    mail = branch(
        "kind",
        {"event": "bought", "is": True},
        [send("receipt", category="transactional")],
        [OFFER],
    )
    mixed = workflow(delay("1 minute"), mail, on="Came", topic="offers")
    offers = workflow(OFFER, on="Visited", topic="offers")
    world.publish(shop(mixed=mixed, visit=offers))
    contacts = RECIPIENTS[60:72]
    for number, email in enumerate(contacts):
        world.consent(email=email)
        world.event("Came", {"bought": number >= 8}, email=email)
    world.run_for(seconds=30)
    world.publish({"workflows/mixed.json": {**mixed, "status": "paused"}})
    visit(world, RECIPIENTS[:50])
    bounce(world, 5)
    world.run_for(hours=2)
    assert mailed(world, "receipt") == []
    world.publish({"workflows/mixed.json": mixed})
    world.run_for(hours=2)
    assert sorted(mailed(world, "receipt")) == contacts[8:]
    assert len(mailed(world, "offer")) == 50
    assert world.works.open() == []
    executions = len(world.step_functions.executions)
    world.run_for(days=1)
    assert len(world.step_functions.executions) == executions, "an enrollment is resumed in vain"
    world.resumer.resume(STORE, "ann", "the list was cleaned")
    world.run_for(minutes=30)
    assert sorted(mailed(world, "offer")[50:]) == contacts[:8]


@pytest.mark.parametrize("seed", range(3))
def test_killed_functions_count_no_bounce_twice_and_still_alert(seed: int) -> None:
    """A killed function can lose a sent mail from the counts, which is on the safe side."""
    world = a_shop(faults=Faults(seed=seed, rate=0.01, most=30), echo=2)
    visit(world, RECIPIENTS[:60])
    bounce(world, 10)
    world.run_for(hours=1)
    assert sum(tally.bounced for tally in world.tallies.counts.values()) <= 10
    breaker = world.registry.head(STORE).breaker
    assert breaker is not None and breaker.alerted and breaker.number >= 5
    assert world.alerts.told


def test_few_bounces_among_many_recipients_stop_nothing() -> None:
    world = World(quotas=GenerousSes())
    world.publish(shop(visit=workflow(OFFER, on="Visited", topic="offers")))
    visit(world, RECIPIENTS)
    bounce(world, 5)
    assert world.registry.head(STORE).breaker is None
    assert len(mailed(world, "offer")) == len(RECIPIENTS)


class GenerousSes:
    """An SES quota without a daily limit."""

    def quota(self) -> SesQuota:
        return SesQuota(500, -1, 0)
