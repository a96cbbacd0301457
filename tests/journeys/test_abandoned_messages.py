"""Permanent failures: the execution ends, and the enrollment or message is marked as failed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from milepost.contacts.profile import Profile
from milepost.simulator.functions import WIRING
from milepost.stores.store_secrets import StoreSecrets
from tests.support.builders import delay, send, shop, template, wait_for, workflow
from tests.support.world import World

VISIT = workflow(
    send("first"),
    wait_for("answer", "Replied", "1 day"),
    send("second"),
    on="Visited",
    category="transactional",
    reentry={"allow": "always"},
)


class ContactsWithApply:
    """Contacts with a replaced `apply`."""

    def __init__(self, contacts: Any, apply: Callable[[Profile | None, Profile], bool]) -> None:
        self._contacts = contacts
        self.apply = apply

    def __getattr__(self, method: str) -> Any:
        return getattr(self._contacts, method)


@pytest.fixture
def world() -> World:
    world = World()
    world.publish(shop(visit=VISIT))
    return world


def remove_programs(world: World) -> None:
    """Remove the compiled workflows, so that every function that needs one fails."""
    world.shelf.programs.clear()


def test_block_that_always_fails_ends_enrollment_as_failed(world: World) -> None:
    world.event("Visited")
    world.run_for(minutes=1)
    remove_programs(world)
    world.run_for(days=3)
    enrollment, execution = world.enrollment(), world.execution(world.enrollment())
    assert (enrollment.status, enrollment.reason) == ("failed", "LookupError")
    assert execution.entered[-1] == "abandon"
    assert execution.status == "SUCCEEDED"
    assert world.profile().active_enrollments == {}


def test_wait_that_cannot_register_ends_enrollment_as_failed(world: World) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("broken")

    world.functions[WIRING.await_event] = broken
    world.event("Visited")
    world.run_for(days=3)
    assert (world.enrollment().status, world.enrollment().reason) == ("failed", "RuntimeError")
    assert world.execution(world.enrollment()).entered == ["run first", "answer", "abandon"]
    assert world.steps_mailed() == ["first"]


def test_failed_state_machine_ends_enrollment_as_failed(world: World) -> None:
    """An invalid task result also breaks the `abandon` state."""
    world.functions[WIRING.run_steps] = lambda task: {"enrollment": task["enrollment"]}
    world.event("Visited")
    world.run_for(days=3)
    assert world.execution(world.enrollment()).status == "FAILED"
    assert (world.enrollment().status, world.enrollment().reason) == (
        "failed",
        "state machine FAILED",
    )


def test_contact_can_enter_again_after_failed_enrollment(world: World) -> None:
    programs = dict(world.shelf.programs)
    world.event("Visited")
    world.run_for(minutes=1)
    remove_programs(world)
    world.run_for(days=2)
    world.shelf.programs.update(programs)
    world.event("Visited")
    world.run_for(days=3)
    assert [e.status for e in world.enrollments_of()] == ["failed", "completed"]


def test_temporary_failure_of_a_day_is_retried_until_it_passes(world: World) -> None:
    programs = dict(world.shelf.programs)
    world.event("Visited")
    world.run_for(seconds=0)
    remove_programs(world)
    world.later(lambda: world.shelf.programs.update(programs), days=1, seconds=5)
    world.run_for(days=3)
    assert world.steps_mailed() == ["first", "second"]
    assert world.enrollment().status == "completed"


def test_missing_link_key_delays_mail_until_key_is_added(world: World) -> None:
    keys = dict(world.keys)
    world.keys.clear()
    world.event("Visited")
    world.run_for(hours=2)
    assert world.mails == []
    world.keys.update(keys)
    world.run_for(days=4)
    assert world.steps_mailed() == ["first", "second"]


def test_links_of_old_mails_work_until_their_key_is_removed(world: World) -> None:
    world.publish(shop(visit={**VISIT, "category": "marketing"}))
    world.consent()
    world.event("Visited")
    world.run_for(hours=1)
    mail = world.last_mail()
    world.keys["harborline"] = StoreSecrets(links=("new-key", "link-key"))
    world.unsubscribe(mail)
    assert world.profile().consents() == {"offers": "withdrawn"}
    world.keys["harborline"] = StoreSecrets(links=("new-key",))
    token = mail.headers["List-Unsubscribe"].strip("<>").rpartition("/")[2]
    assert world.unsubscriber.open("harborline", token) is None


def test_event_for_constantly_changing_contact_is_applied_later(world: World) -> None:
    """Another writer changes the profile between each read and write of `react`."""
    real_apply = world.contacts.apply

    def failing_apply(before: Profile | None, after: Profile) -> bool:
        return bool(world.clock.now >= busy_until and real_apply(before, after))

    busy_until = world.now + timedelta(seconds=3)
    world.event_applier = replace(
        world.event_applier, contacts=ContactsWithApply(world.contacts, failing_apply)
    )
    world.event("Visited")
    world.run_for(days=3)
    assert world.steps_mailed() == ["first", "second"]
    assert world.profile().totals["Visited"].count == 1


def test_template_with_missing_value_fails_only_its_own_message(world: World) -> None:
    world.publish(
        {
            **template("broken", body="{{ event.coupon }}"),
            "workflows/visit.json": workflow(
                send("coupon", "broken"),
                delay("1 day"),
                send("second"),
                on="Visited",
                category="transactional",
            ),
        }
    )
    world.event("Visited")
    world.run_for(days=3)
    assert world.steps_mailed() == ["second"]
    status, reason = world.messages()["coupon"]
    assert status == "failed"
    assert reason == "broken (html): event.coupon is missing"


def test_mail_to_contact_without_address_is_skipped_with_reason(world: World) -> None:
    world.event("Visited", email=None, device_id="d-1")
    world.run_for(days=3)
    reasons = {m["step"]: m["reason"] for m in world.state.messages.values()}
    assert reasons == dict.fromkeys(["first", "second"], "contact has no e-mail address")
