"""Identity: visitors are identified, duplicates are merged, different customers stay apart."""

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from milepost.contacts.profile import Profile
from milepost.runtime.merging.rules import ALREADY_ENROLLED
from tests.journeys.stories import CART, FILES
from tests.support.builders import ADA, STORE, branch, delay, event, send, shop, wait_for, workflow
from tests.support.faults import Faults
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milepost.contacts.event import IdentifierKind


BO = "bo@mail.example"
WORK = "ada@work.example"
CAME_BACK = {"did": "Product Viewed", "times": {"gte": 2}, "within": "30 days"}
WELCOME = workflow(
    delay("1 day"),
    branch("keen", CAME_BACK, [send("keen-mail")], [send("plain-mail")]),
    wait_for("answer", "Email Clicked", "5 days", [send("thanks")], [send("nudge")]),
    on="Account Created",
    audience={"consents_to": "offers"},
)


@pytest.fixture(scope="module")
def published() -> World:
    world = World()
    world.publish(shop(welcome=WELCOME, abandoned_cart=CART))
    return world


@pytest.fixture
def world(published: World) -> World:
    return World(published=published)


def contacts(world: World) -> list[Profile]:
    """All contacts that were not merged into another."""
    return [p for p in world.state.profiles.values() if not p.merged_into]


def visit(world: World, device: str, **identifiers_of_contact: str) -> None:
    """A page view, as the snippet in the shop's pages reports it."""
    identifiers = cast("Mapping[IdentifierKind, str]", {"device": device, **identifiers_of_contact})
    number = len(world.state.stream)
    page_view = event(
        "Product Viewed", at=world.now, id_=f"v-{number}", identifiers=identifiers, source="browser"
    )
    world.append(page_view)
    world.run_for(seconds=10)


def send_event(world: World, name: str, data: dict[str, Any] | None = None, **contact: Any) -> None:
    world.event(name, data, email=contact.pop("email", None), **contact)
    world.run_for(seconds=10)


def viewed(world: World, email: str = ADA) -> int:
    total = world.profile(email).totals.get("Product Viewed")
    return total.count if total else 0


# --- visitors ---


def test_anonymous_visits_count_for_the_contact_after_sign_up(world: World) -> None:
    visit(world, "d-1")
    visit(world, "d-1")
    send_event(world, "Account Created", email=ADA, device_id="d-1")
    assert viewed(world) == 2
    assert len(contacts(world)) == len(world.state.profiles) == 1


def test_visits_on_a_second_device_join_the_identified_contact(world: World) -> None:
    send_event(world, "Account Created", email=ADA, device_id="d-1")
    visit(world, "d-2")
    visit(world, "d-2")
    visit(world, "d-2", email=ADA)
    assert viewed(world) == 3
    visit(world, "d-2")
    assert viewed(world) == 4
    assert len(contacts(world)) == 1
    assert world.profile().known_identifiers["device"] == ("d-1", "d-2")


def test_visits_before_identification_count_in_conditions(world: World) -> None:
    world.consent()
    send_event(world, "Account Created", email=ADA)
    visit(world, "d-2")
    visit(world, "d-2")
    visit(world, "d-2", email=ADA)
    world.run_for(days=2)
    assert world.steps_mailed() == ["keen-mail"]


def test_two_contacts_who_share_a_device_stay_two(world: World) -> None:
    send_event(world, "Account Created", email=ADA, device_id="d-1")
    send_event(world, "Account Created", email=BO, device_id="d-1", first_name="Bo")
    assert sorted(p.email or "" for p in contacts(world)) == [ADA, BO]
    visit(world, "d-1")
    assert (viewed(world), viewed(world, BO)) == (0, 1)
    visit(world, "d-1", email=ADA)
    visit(world, "d-1")
    assert (viewed(world), viewed(world, BO)) == (2, 1)
    assert world.profile().get("first_name") is None


def test_misrouted_event_leaves_no_trace_on_the_other_contact(world: World) -> None:
    send_event(world, "Account Created", email=ADA, device_id="d-1")
    send_event(world, "Account Created", email=BO, device_id="d-1", first_name="Bo")
    events = world.state.events[STORE, world.contact()]
    assert BO not in str(events)
    assert world.profile().totals["Account Created"].count == 1
    assert world.profile(BO).totals["Account Created"].count == 1


# --- limits of events from pages ---


def test_page_event_neither_merges_contacts_nor_changes_an_address(
    world: World,
) -> None:
    send_event(world, "Account Created", email=ADA, external_id="7", device_id="d-1")
    send_event(world, "Account Created", email=BO, external_id="8", device_id="d-2")
    before = [(p.email, p.known_identifiers["external_id"]) for p in contacts(world)]
    visit(world, "d-1", email=BO)
    visit(world, "d-1", email=ADA, external_id="8")
    visit(world, "d-1", email="eve@mail.example", external_id="7")
    visit(world, "d-1", external_id="8")
    after = [
        (p.email, p.known_identifiers["external_id"])
        for p in contacts(world)
        if "external_id" in p.known_identifiers
    ]
    assert after == before
    assert world.profile("eve@mail.example").known_identifiers.get("external_id") is None


def test_page_event_cannot_claim_an_unknown_external_id(world: World) -> None:
    visit(world, "d-6", email="eve@mail.example", external_id="9")
    send_event(world, "Order Completed", email=BO, external_id="9")
    send_event(world, "Order Shipped", external_id="9")
    assert world.profile(BO).totals["Order Shipped"].count == 1
    assert world.profile("eve@mail.example").email == "eve@mail.example"


# --- customers ---


def test_changed_address_keeps_the_same_contact(world: World) -> None:
    send_event(world, "Account Created", email=ADA, external_id="7")
    send_event(world, "Contact Changed", email=WORK, external_id="7")
    assert world.contact(WORK) == world.contact(ADA)
    assert world.profile().email == WORK
    send_event(world, "Order Completed", email=ADA)
    assert len(contacts(world)) == 1


def test_shop_event_with_both_identifiers_merges_two_contacts(world: World) -> None:
    world.consent(email=WORK, state="withdrawn")
    send_event(world, "Order Completed", {"total": 10}, email=WORK)
    world.consent(email=ADA)
    send_event(world, "Order Completed", {"total": 5}, email=ADA, external_id="7")
    send_event(world, "Contact Changed", email=WORK, external_id="7")
    (one,) = contacts(world)
    assert (one.totals["Order Completed"].count, int(one.totals["Order Completed"].value)) == (
        2,
        15,
    )
    assert one.known_identifiers["email"] == (ADA, WORK)
    assert one.consents() == {"offers": "withdrawn"}
    proven_topics = {
        topic for (person, _, _, topic) in world.state.proofs if person[1] == one.contact
    }
    assert proven_topics == {"offers"}


def test_two_external_ids_are_never_merged(world: World) -> None:
    phone = "+33612345678"
    send_event(world, "Order Completed", email=ADA, external_id="7", phone=phone)
    send_event(world, "Order Completed", email=BO, external_id="8", phone=phone)
    send_event(world, "Order Completed", email=BO, external_id="7")
    assert sorted(p.email or "" for p in contacts(world)) == [ADA, BO]
    assert world.profile().known_identifiers["external_id"] == ("7",)


def test_simultaneous_first_events_with_linked_identifiers_make_one_contact(world: World) -> None:
    """Neither identifier is known when the events arrive."""
    world.event("Account Created", email=ADA, external_id="7")
    world.event("Order Completed", email=None, external_id="7")
    world.event("Product Viewed", email=None, device_id="d-1")
    world.event("Logged In", email=ADA, device_id="d-1")
    world.run_for(minutes=1)
    (one,) = contacts(world)
    assert {name: t.count for name, t in one.totals.items()} == {
        "Account Created": 1,
        "Order Completed": 1,
        "Product Viewed": 1,
        "Logged In": 1,
    }


def test_mutual_merge_requests_end_in_one_contact(world: World) -> None:
    send_event(world, "Seen", email=ADA)
    send_event(world, "Seen", email=None, external_id="7")
    send_event(world, "Seen", email=None, phone="+33612345678")
    world.event("Seen", email=ADA, external_id="7")
    world.event("Seen", email=None, external_id="7", phone="+33612345678")
    world.event("Seen", email=ADA, phone="+33612345678")
    world.run_for(minutes=1)
    (one,) = contacts(world)
    assert one.totals["Seen"].count == 6


# --- merges with active enrollments ---


def begin_cart(world: World, **contact: Any) -> None:
    send_event(world, "Checkout Started", {"checkout_id": "k-1", "total": 150}, **contact)


def test_contact_merged_inside_a_workflow_continues_and_is_mailed_once(
    world: World,
) -> None:
    world.consent()
    begin_cart(world, external_id="7")
    send_event(world, "Account Created", email=ADA)
    send_event(world, "Contact Changed", email=ADA, external_id="7")
    begin_cart(world, email=ADA)
    world.run_for(days=6)
    assert Counter(world.steps_mailed()) == Counter(
        {"reminder": 1, "offer": 1, "last-call": 1, "plain-mail": 1, "nudge": 1}
    )
    assert {e.status for e in world.state.enrollments.values()} == {"completed"}
    (one,) = contacts(world)
    assert one.active_enrollments == {}


def test_duplicate_enrollment_after_merge_ends_with_its_reason(world: World) -> None:
    for email in (ADA, WORK):
        world.consent(email=email)
        begin_cart(world, email=email)
        send_event(world, "Account Created", email=email)
    send_event(world, "Linked", email=ADA, external_id="7")
    send_event(world, "Linked", email=WORK, external_id="7")
    world.run_for(days=10)
    assert Counter(mail.tags["step"] for mail in world.mails).most_common(1)[0][1] == 1
    ended = [e.reason for e in world.state.enrollments.values() if e.reason == ALREADY_ENROLLED]
    assert len(ended) == 2
    assert {e.status for e in world.step_functions.executions.values()} == {"SUCCEEDED", "ABORTED"}


def test_order_of_the_merged_contact_exits_the_earlier_enrollment(world: World) -> None:
    world.consent()
    begin_cart(world, external_id="7")
    send_event(world, "Account Created", email=ADA)
    send_event(world, "Contact Changed", email=ADA, external_id="7")
    send_event(world, "Order Completed", {"total": 150}, email=ADA)
    world.run_for(days=3)
    assert "reminder" not in world.steps_mailed()


def mail_and_merge(world: World) -> None:
    """Ada gets the reminder as one contact, which is then merged into another."""
    world.consent(email=WORK)
    begin_cart(world, email=WORK)
    world.run_for(hours=2)
    send_event(world, "Linked", email=ADA, external_id="7")
    send_event(world, "Linked", email=ADA)
    send_event(world, "Linked", {"again": True}, email=ADA, external_id="7")
    send_event(world, "Seen", email=WORK, external_id="7")


def test_unsubscribe_link_from_before_the_merge_withdraws_for_the_winner(world: World) -> None:
    mail_and_merge(world)
    (mail,) = world.mails
    world.unsubscribe(mail)
    world.run_for(days=5)
    (one,) = contacts(world)
    assert one.consents() == {"offers": "withdrawn"}
    assert one.totals["Unsubscribed"].count == 1
    assert len(world.mails) == 1


def test_click_in_a_mail_from_before_the_merge_is_matched(world: World) -> None:
    mail_and_merge(world)
    (mail,) = world.mails
    world.click(mail)
    world.run_for(days=5)
    (enrollment,) = (
        e for e in world.state.enrollments.values() if e.ref.workflow == "abandoned-cart"
    )
    assert (enrollment.status, enrollment.reason) == ("exited", "came back")


# --- kills ---


def run_merge(world: World) -> None:
    """Two contacts with active enrollments and mail are merged, and the enrollments continue."""
    for email in (ADA, WORK):
        world.consent(email=email)
        world.event("Checkout Started", {"checkout_id": "k-1", "total": 150}, email=email)
    world.event("Checkout Started", {"checkout_id": "k-2", "total": 150}, email=WORK)
    world.event("Product Viewed", email=None, device_id="d-1")
    world.run_for(hours=2)
    world.event("Linked", email=ADA, external_id="7", device_id="d-1")
    world.run_for(minutes=1)
    world.event("Linked", email=WORK, external_id="7")
    world.event("Product Viewed", email=WORK)
    world.run_for(minutes=2)
    for mail in list(world.mails):
        world.open(mail)
    world.event("Product Viewed", email=None, device_id="d-1")
    world.run_for(days=10)


def visible_result(world: World) -> tuple[object, ...]:
    (one,) = contacts(world)
    contact = (STORE, one.contact)
    return (
        sorted((mail.to, mail.tags["step"]) for mail in world.mails),
        sorted((name, total.count) for name, total in one.totals.items()),
        sorted((name, entry[0]) for name, entry in one.fields.items()),
        sorted(one.consents().items()),
        {kind: values for kind, values in one.known_identifiers.items() if values},
        sorted(one.active_enrollments),
        sorted((e.status, e.reason) for e in world.state.enrollments.values()),
        sorted((name, id_) for name, _, id_ in world.state.events[contact]),
        sum(person == contact for person, *_ in world.state.proofs),
        {e.status for e in world.step_functions.executions.values()} <= {"SUCCEEDED", "ABORTED"},
    )


@pytest.mark.no_cover
@pytest.mark.parametrize("scope", ["react", "run_steps", "learn"])
def test_kill_at_any_call_during_a_merge_changes_nothing(scope: Any) -> None:
    published = World()
    published.publish(FILES)
    undisturbed = World(published=published)
    run_merge(undisturbed)
    expected = visible_result(undisturbed)
    for kill, place in undisturbed.faults.kills(scope):
        if place == "after ledger.claim":  # then it is not sent
            continue
        world = World(published=published, faults=Faults(kill))
        run_merge(world)
        assert world.faults.struck == [place]
        assert visible_result(world) == expected, place


@pytest.mark.parametrize("seed", range(40))
def test_random_kills_during_a_merge_count_and_mail_nothing_twice(seed: int) -> None:
    published = World()
    published.publish(FILES)
    world = World(
        published=published, faults=Faults(rate=0.02, seed=seed, most=8), echo=1 + seed % 3
    )
    run_merge(world)
    copies = Counter(mail.ref.id for mail in world.mails)
    assert max(copies.values()) == 1
    (one,) = contacts(world)
    counted = {name: total.count for name, total in one.totals.items()}
    assert (counted["Product Viewed"], counted["Linked"], counted["Checkout Started"]) == (3, 2, 3)
    assert not world.state.absorbing
    assert all(not p.merging for p in world.state.profiles.values())
    assert all(e.status != "active" for e in world.state.enrollments.values())
    assert replace(one, active_enrollments={}) == one
