"""Erasure and export of a person, with concurrent events and kills at any call."""

import json
from collections.abc import Iterator

import pytest

from milepost.base.addresses import address_hash
from milepost.privacy.request import GRACE_PERIOD, SEGMENTS
from tests.journeys.carts import ABANDONED_CART, BO, start_checkout
from tests.support.builders import ADA, STORE, Json, delay, send, shop, workflow
from tests.support.faults import Faults, Kill
from tests.support.privacy_fixtures import PrivateWorld

CONFIRM = workflow(
    send("thanks"), delay("40 days"), send("again"), on="Order Completed", category="transactional"
)
FILES = shop("plain", "reminder", cart=ABANDONED_CART, order=CONFIRM)
PHASES = ("before", "after")


@pytest.fixture(scope="module")
def published() -> PrivateWorld:
    world = PrivateWorld()
    world.publish(FILES)
    return world


def with_history(published: PrivateWorld, faults: Faults | None = None) -> PrivateWorld:
    """Ada and Bo ordered, started a checkout, got mail and clicked. Both have two enrollments."""
    world = PrivateWorld(published=published, faults=faults)
    for email in (ADA, BO):
        world.consent(email=email)
        world.event(
            "Order Completed",
            {"order_id": f"o-{email}"},
            email=email,
            phone=PHONES[email],
            external_id=f"x-{email}",
            first_name=f"Name of {email}",
            id_=f"order-{email}",
        )
        start_checkout(world, email=email)
    world.run_for(hours=2)
    world.click(world.last_mail(ADA))
    world.run_for(minutes=1)
    return world


PHONES = {ADA: "+4915777000123", BO: "+4915777000124"}


def erased(world: PrivateWorld) -> PrivateWorld:
    request = world.ask()
    world.run_for(minutes=20)
    assert world.request(request).status == "done"
    return world


def personal_data(world: PrivateWorld) -> tuple[str, ...]:
    return (ADA, PHONES[ADA])


def test_erasure_leaves_only_address_hash_tombstone_and_proof(published: PrivateWorld) -> None:
    world = with_history(published)
    ada = world.contact()
    assert set(world.traces(ADA)) >= {"profiles", "events", "identities"}
    erased(world)
    assert world.traces(*personal_data(world)) == []
    assert set(world.traces(ada)) <= {"erased"}
    assert world.state.suppressed == {(STORE, address_hash(ADA)): "erased"}
    (proof,) = world.state.requests.values()
    assert (proof.contacts, proof.status, proof.done_at is not None) == ((), "done", True)
    assert proof.items == 14


def test_erasure_leaves_other_contacts_unchanged(published: PrivateWorld) -> None:
    world = with_history(published)
    before = (world.profile(BO), world.enrollments_of(BO), world.messages(BO))
    erased(world)
    assert (world.profile(BO), world.enrollments_of(BO), world.messages(BO)) == before


def test_erasure_stops_active_enrollments_and_their_executions(published: PrivateWorld) -> None:
    world = with_history(published)
    mails = len(world.mails)
    erased(world)
    statuses = [
        e.status
        for e in world.step_functions.executions.values()
        if e.started_with["enrollment"]["contact"] == world.contact()
    ]
    assert statuses
    assert "RUNNING" not in statuses
    world.run_for(days=60)
    assert [m for m in world.mails[mails:] if m.to == ADA] == []


def calls(world: PrivateWorld) -> Iterator[Kill]:
    for scope, number, _ in world.faults.calls:
        for phase in PHASES if scope == "privacy" else ():
            yield Kill("privacy", number, "before" if phase == "before" else "after")


def test_kill_at_any_call_changes_neither_remains_nor_count(
    published: PrivateWorld,
) -> None:
    undisturbed = erased(with_history(published))
    (expected,) = undisturbed.state.requests.values()
    struck = 0
    for kill in calls(undisturbed):
        world = erased(with_history(published, Faults(kill)))
        struck += len(world.faults.struck)
        assert world.traces(*personal_data(world)) == [], world.faults.struck
        (proof,) = world.state.requests.values()
        assert proof.items == expected.items, world.faults.struck
        assert world.state.suppressed == undisturbed.state.suppressed
    assert struck > 40


def test_large_contact_is_erased_over_many_calls(published: PrivateWorld) -> None:
    world = with_history(published)
    for number in range(300):
        world.event("Product Viewed", {"n": number}, id_=f"view-{number}", device_id=f"d-{number}")
    world.run_for(minutes=1)
    world.checks_before_timeout = 3
    erased(world)
    assert world.traces(*personal_data(world)) == []
    assert next(iter(world.state.requests.values())).items > 300


def test_event_in_flight_does_not_recreate_the_erased_profile(published: PrivateWorld) -> None:
    """It was appended before the erasure, and the stream delivers it afterwards."""
    world = with_history(published)
    world.event("Product Viewed", {"who": ADA})
    (queue,) = [q for q in world._queues.values() if q]
    record = queue[0]
    erased(world)
    world._react_to(record)
    assert world.traces(*personal_data(world)) == []


def test_old_event_under_any_identifier_stays_ignored_after_erasure(
    published: PrivateWorld,
) -> None:
    """A shop sends its history again, with any identifier of the person."""
    world = with_history(published)
    earlier = world.now
    erased(world)
    world.run_for(days=3)
    for identifiers in (
        {"email": ADA},
        {"email": None, "phone": PHONES[ADA]},
        {"email": None, "external_id": f"x-{ADA}"},
    ):
        world.event("Order Completed", {"order_id": "old"}, at=earlier, **identifiers)
        world.run_for(minutes=1)
    assert world.traces(*personal_data(world)) == []


def test_new_order_after_erasure_gets_receipt_but_no_marketing(
    published: PrivateWorld,
) -> None:
    world = erased(with_history(published))
    world.run_for(days=3)
    mailed = len(world.mails)
    world.consent()
    world.event("Order Completed", {"order_id": "new"})
    start_checkout(world, checkout="c-2")
    world.run_for(hours=3)
    assert world.profile().totals["Order Completed"].count == 1
    assert [mail.tags["step"] for mail in world.mails[mailed:]] == ["thanks"]
    assert world.messages()["reminder"] == ("skipped", "suppressed: erased")


def test_hard_bounce_outranks_erasure_and_only_erasure_can_be_lifted(
    published: PrivateWorld,
) -> None:
    world = erased(with_history(published))
    key = (STORE, address_hash(ADA))
    world.contacts.lift_erasure_suppression(*key)
    assert key not in world.state.suppressed
    for reason in ("erased", "hard bounce", "erased"):
        world.contacts.suppress(*key, reason, world.now)
    world.contacts.lift_erasure_suppression(*key)
    assert world.state.suppressed[key] == "hard bounce"


def test_second_pass_erases_what_was_written_during_the_first(
    published: PrivateWorld,
) -> None:
    world = with_history(published)
    ada = world.contact()
    world.ask()
    world.run_for(seconds=1)
    assert set(world.traces(ADA)) == set()
    world.state.waits[(STORE, ada, "cart", "e-1"), "second-wait"] = next(
        iter(world.state.waits.values())
    )
    world.run_for(seconds=GRACE_PERIOD.total_seconds() - 5)
    assert world.traces(ada) != ["erased"]
    world.run_for(seconds=10)
    assert set(world.traces(ada)) <= {"erased"}
    assert next(iter(world.state.requests.values())).status == "done"


def test_early_second_pass_waits_for_the_grace_period(published: PrivateWorld) -> None:
    world = with_history(published)
    request = world.ask()
    world.run_for(seconds=1)
    for _ in range(3):
        world._carry_out(STORE, request.id)
        world.run_for(seconds=1)
        assert world.request(request).status == "sweeping"
    world.run_for(minutes=10)
    assert world.request(request).status == "done"


def test_second_erasure_request_erases_nothing_twice_and_leaves_proof(
    published: PrivateWorld,
) -> None:
    world = with_history(published)
    world.ask()
    world.ask()
    world.run_for(minutes=20)
    first, second = world.state.requests.values()
    assert first.status == second.status == "done"
    assert min(first.items, second.items) == 0 or first.items + second.items == 14


def test_erasure_of_unknown_person_suppresses_nothing(published: PrivateWorld) -> None:
    world = with_history(published)
    before = len(world.state.events)
    world.ask("erase", "nobody@mail.example")
    world.run_for(minutes=20)
    assert len(world.state.events) == before
    (proof,) = world.state.requests.values()
    assert (proof.status, proof.items) == ("done", 0)


def test_merged_contact_is_erased_with_its_winner(published: PrivateWorld) -> None:
    """Its identifiers lead to the winner now, and its events are still at the loser."""
    world = with_history(published)
    ada, bo = world.contact(), world.contact(BO)
    for key, contact in list(world.state.identities.items()):
        if contact == bo:
            world.state.identities[key] = ada
    world.event("Order Completed", {"order_id": "both"}, email=BO)
    world.run_for(minutes=1)
    erased(world)
    assert world.traces(ADA, BO) == []
    assert bo not in repr(world.state.profiles)


def test_erasure_removes_exports_of_the_contact(published: PrivateWorld) -> None:
    world = with_history(published)
    world.ask("export")
    world.run_for(minutes=1)
    assert ADA in next(iter(world.vault.files.values()))
    erased(world)
    assert world.vault.files == {}


def test_store_erasure_survives_a_kill_at_any_call(
    published: PrivateWorld,
) -> None:
    def erase_store(faults: Faults | None = None) -> PrivateWorld:
        world = with_history(published, faults)
        request = world.ask("erase_store")
        world.run_for(minutes=20)
        assert world.request(request).status == "done", world.faults.struck
        return world

    undisturbed = erase_store()
    items = [request.items for request in undisturbed.state.requests.values()]
    assert len([c for c in undisturbed.faults.calls if c[2] == "requests.advance"]) >= SEGMENTS
    for kill in calls(undisturbed):
        world = erase_store(Faults(kill))
        assert world.traces(ADA, BO, *PHONES.values()) == []
        assert not world.state.profiles
        assert [request.items for request in world.state.requests.values()] == items


# --- export ---


def export(world: PrivateWorld, *emails: str, origin: str = "api") -> Json:
    request = world.ask("export", *emails, origin=origin)
    world.run_for(minutes=1)
    assert world.request(request).status == "done"
    return dict(json.loads(world.vault.files[STORE, request.id]))


def test_export_holds_everything_about_the_contact_and_no_other(published: PrivateWorld) -> None:
    world = with_history(published)
    document = export(world)
    (person,) = document["contacts"]
    assert person["contact"]["email"] == ADA
    assert len(person["events"]) == len(world.state.events[STORE, world.contact()])
    assert {e["workflow"] for e in person["enrollments"]} == {"cart", "order"}
    assert {m["step"] for m in person["messages"]} == set(world.messages())
    assert [p["state"] for p in person["consents"]] == ["granted"]
    assert BO not in json.dumps(document)
    assert PHONES[BO] not in json.dumps(document)
    (request,) = world.state.requests.values()
    assert request.items == 1 + sum(
        len(person[part]) for part in ("events", "enrollments", "messages", "consents", "others")
    )


def test_kill_at_any_call_leaves_a_complete_export_and_its_note(published: PrivateWorld) -> None:
    undisturbed = with_history(published)
    expected = export(undisturbed)
    for kill in calls(undisturbed):
        world = with_history(published, Faults(kill))
        request = world.ask("export")
        world.run_for(minutes=5)
        document = json.loads(world.vault.files[STORE, request.id])
        assert document["contacts"] == expected["contacts"], world.faults.struck
        assert world.request(request).status == "done"
        assert world.state.exports


def test_staff_alert_about_customer_request_names_no_customer(published: PrivateWorld) -> None:
    world = with_history(published)
    export(world)
    assert world.staff.told == []
    export(world, origin="shopify 9999")
    ((subject, text),) = world.staff.told
    assert STORE in subject
    assert "shopify 9999" in text
    assert "/exports/r" in text
    assert not any(word in text for word in (ADA, world.contact()))


def test_export_of_unknown_person_is_empty(published: PrivateWorld) -> None:
    assert export(with_history(published), "nobody@mail.example")["contacts"] == []
