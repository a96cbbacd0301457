"""Splits, holdouts and variants: random choices that never change."""

from collections import Counter

import pytest

from milepost.base.names import EnrollmentRef
from milepost.enrollments.chance import choose_path, is_held_out
from tests.journeys.visits import ended, outcomes, split, step, visited, world_of
from tests.support.builders import branch, delay, send, template
from tests.support.world import World

MANY = 2000


def many_visits(world: World, many: int = MANY) -> list[str]:
    """Many contacts visit, one per second."""
    people = [f"recipient-{number}@mail.example" for number in range(many)]
    for person in people:
        world.event("Visited", email=person)
        world.run_for(seconds=1)
    world.run_for(days=1)
    return people


def test_split_follows_weights_and_weight_zero_gets_no_contact() -> None:
    world = world_of(split("s", many=70, none=0, few=30))
    taken = Counter(outcomes(world, person)["s"]["path"] for person in many_visits(world))
    assert set(taken) == {"many", "few"}
    assert 0.66 < taken["many"] / MANY < 0.74


def test_split_path_without_weight_counts_as_one() -> None:
    world = world_of(step("split", "s", paths=[{"name": "a"}, {"name": "b", "weight": 3}]))
    taken = Counter(outcomes(world, person)["s"]["path"] for person in many_visits(world, 400))
    assert 0.18 < taken["a"] / 400 < 0.32


def test_contact_follows_its_recorded_split_path() -> None:
    paths = [{"name": name, "steps": [send(name)]} for name in ("left", "right")]
    world = world_of(step("split", "s", paths=paths), send("last"))
    for person in many_visits(world, 20):
        assert world.steps_mailed(person) == [outcomes(world, person)["s"]["path"], "last"]


def test_two_splits_are_independent() -> None:
    world = world_of(split("s", a=1, b=1), split("t", a=1, b=1))
    found = [outcomes(world, person) for person in many_visits(world, 400)]
    pairs = Counter((each["s"]["path"], each["t"]["path"]) for each in found)
    assert min(pairs.values()) > 60
    assert len(pairs) == 4


def test_split_in_a_loop_gives_the_same_path_every_round() -> None:
    world = world_of(
        delay("1 hour", "wait"),
        split("s", a=1, b=1, c=1),
        step("goto", "again", to="wait", max=5),
    )
    visited(world, days=1)
    taken = [o["path"] for key, o in outcomes(world).items() if key.startswith("s@")]
    assert len(taken) == 6
    assert len(set(taken)) == 1


@pytest.mark.no_cover
def test_holdout_contacts_exit_and_are_counted() -> None:
    world = world_of(step("holdout", "control", percent=10), send("mail"))
    people = many_visits(world)
    left = [person for person in people if ended(world, person) == ("exited", "holdout")]
    assert 0.08 < len(left) / MANY < 0.12
    assert not any(world.steps_mailed(person) for person in left)
    stayed = set(people) - set(left)
    assert all(ended(world, person) == ("completed", "") for person in stayed)
    assert all(world.steps_mailed(person) == ["mail"] for person in stayed)
    numbers = world.numbers("visit")
    assert numbers.statuses == {"exited: holdout": len(left), "completed": len(stayed)}


def test_holdout_of_a_fraction_of_a_percent_holds_back_few() -> None:
    node = step("holdout", "control", percent=0.1)
    refs = [EnrollmentRef("shop", f"c{number}", "visit", 1, "e") for number in range(20_000)]
    assert 5 < sum(is_held_out(ref, node) for ref in refs) < 50


def test_branch_can_use_the_split_path() -> None:
    condition = {"step": "s", "output": "path", "is": "b"}
    world = world_of(split("s", a=1, b=1), branch("was-b", condition, [send("for-b")]))
    for person in many_visits(world, 20):
        expected = ["for-b"] if outcomes(world, person)["s"]["path"] == "b" else []
        assert world.steps_mailed(person) == expected


VARIANTS = [
    {"name": "short", "template": "short", "weight": 3},
    {"name": "long", "template": "long", "weight": 1},
    {"name": "off", "template": "plain", "weight": 0},
]
TEMPLATES = {**template("short", "Short"), **template("long", "Long")}


def test_variants_follow_weights_and_mail_names_its_variant() -> None:
    world = world_of({"id": "test", "type": "send_email", "variants": VARIANTS}, files=TEMPLATES)
    many_visits(world, 400)
    assert {(mail.tags["variant"], mail.subject) for mail in world.mails} == {
        ("short", "Short"),
        ("long", "Long"),
    }
    shares = Counter(mail.tags["variant"] for mail in world.mails)
    assert 0.68 < shares["short"] / 400 < 0.82
    for ref, message in world.state.messages.items():
        (mail,) = (mail for mail in world.mails if mail.ref == ref)
        assert (message["variant"], message["template"]) == (mail.tags["variant"],) * 2


def test_mail_without_variants_has_no_variant_tag() -> None:
    world = visited(world_of(send("mail")))
    assert "variant" not in world.last_mail().tags


def test_contact_gets_the_same_variant_every_round() -> None:
    test = {"id": "test", "type": "send_email", "variants": VARIANTS}
    loop = [delay("1 day", "wait"), test, step("goto", "again", to="wait", max=4)]
    world = visited(world_of(*loop, files=TEMPLATES), days=9)
    assert len(world.mails) == 5
    assert len({mail.tags["variant"] for mail in world.mails}) == 1


@pytest.mark.parametrize("number", range(20))
def test_sent_variant_equals_the_recomputed_choice(number: int) -> None:
    """Reports and the simulator recompute the choice and must get the same result."""
    world = world_of({"id": "test", "type": "send_email", "variants": VARIANTS}, files=TEMPLATES)
    visited(world, email=f"recipient-{number}@mail.example")
    ref = world.enrollment(f"recipient-{number}@mail.example").ref
    weights = {variant["name"]: variant["weight"] for variant in VARIANTS}
    assert world.mails[-1].tags["variant"] == choose_path(ref, "test", weights)  # type: ignore[arg-type]
