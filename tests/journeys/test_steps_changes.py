"""Steps that change the contact or emit events, and the workflows that they trigger."""

from typing import Any

import pytest

from milepost.contacts.fields import MAX_RECENT_ADDITIONS
from milepost.enrollments.entry import MAX_CHAIN_DEPTH
from tests.journeys.visits import data_of, ended, goto, step, visit, visited, world_of
from tests.support.builders import (
    ADA,
    Json,
    branch,
    delay,
    send,
    shop,
    template,
    wait_for,
    workflow,
)
from tests.support.world import World


def update(id_: str = "change", **fields: Any) -> Json:
    return step("update_contact", id_, **fields)


def properties(world: World) -> dict[str, Any]:
    return dict(world.profile().as_data()["properties"])


# --- update_contact ---


def test_update_contact_sets_unsets_increments_and_appends() -> None:
    change = update(
        set={"plan": "gold", "nested": {"a": [1, None]}},
        unset=["trial"],
        increment={"points": 5, "balance": -2.5},
        append={"colors": "blue"},
    )
    known = {"trial": True, "points": 10, "colors": ["red"], "kept": 1}
    world = visited(world_of(change), properties=known)
    assert properties(world) == {
        "plan": "gold",
        "nested": {"a": [1, None]},
        "points": 15,
        "balance": -2.5,
        "colors": ["red", "blue"],
        "kept": 1,
    }


def test_update_contact_resolves_references_and_omits_missing_values() -> None:
    change = update(
        set={
            "cart": {"from": "event.total"},
            "ids": [{"from": "event.id"}, {"from": "event.gone"}, 7],
            "who": {"mail": {"from": "contact.email"}, "gone": {"from": "event.gone.y"}},
            "shop": {"from": "store.name"},
            "in": {"from": "enrollment.workflow"},
            "nothing": {"from": "event.gone"},
        },
        append={"seen": {"from": "event.products[].name"}, "none": {"from": "event.gone"}},
        locale={"from": "event.language"},
        timezone={"from": "event.zone"},
    )
    data = {
        "total": 42,
        "id": "c-1",
        "products": [{"name": "mug"}],
        "language": "pt_br",
        "zone": "America/Sao_Paulo",
    }
    world = visited(world_of(change), data)
    assert properties(world) == {
        "cart": 42,
        "ids": ["c-1", 7],
        "who": {"mail": ADA},
        "shop": "Harborline Goods",
        "in": "visit",
        "seen": [["mug"]],
    }
    assert world.profile().get("locale") == "pt-BR"
    assert world.profile().get("timezone") == "America/Sao_Paulo"


@pytest.mark.parametrize("wrong", ["Mars/Olympus", "", 7, None, ["Europe/Paris"], "../etc"])
def test_invalid_locale_or_time_zone_changes_nothing(wrong: Any) -> None:
    change = update(locale={"from": "event.x"}, timezone={"from": "event.x"})
    world = world_of(change, send("mail"))
    visited(world, {"x": wrong}, locale="fr", timezone="Europe/Paris")
    assert world.profile().get("locale") == "fr"
    assert world.profile().get("timezone") == "Europe/Paris"
    assert ended(world) == ("completed", "")


def test_next_mail_sees_updated_properties() -> None:
    greeting = template(
        "greeting",
        body="{{ contact.locale | default('-') }}: "
        "{{ contact.properties.plan | default('-') }}, "
        "{{ contact.properties.points | default('-') }} points.",
    )
    change = update(set={"plan": "gold"}, increment={"points": 5}, locale="en-GB")
    world = visited(world_of(change, send("mail", "greeting"), files=greeting))
    assert "en-GB: gold, 5 points." in world.last_mail().text


def test_branch_sees_changes_of_earlier_steps() -> None:
    condition = {
        "all": [
            {"contact": "properties.n", "is": 2},
            {"contact": "stage", "is": "vip"},
            {"contact": "score", "gte": 7},
            {"in_list": "club"},
        ]
    }
    steps = [
        update(set={"n": 1}),
        update("again", increment={"n": 1}),
        step("set_stage", "stage", stage="vip"),
        step("add_score", "score", points=7),
        step("add_to_list", "join", list="club"),
        branch("all-of-it", condition, [send("yes")]),
        step("remove_from_list", "leave", list="club"),
        branch("gone", {"not": {"in_list": "club"}}, [send("left")]),
    ]
    assert visited(world_of(*steps)).steps_mailed() == ["yes", "left"]


def test_changes_are_visible_days_later() -> None:
    steps = [
        update(set={"n": 1}),
        delay("3 days"),
        branch("b", {"contact": "properties.n", "is": 1}, [send("yes")]),
    ]
    assert visited(world_of(*steps), days=4).steps_mailed() == ["yes"]


def test_later_of_two_updates_wins() -> None:
    world = visited(world_of(update(set={"x": 1}), update("b", set={"x": 2})))
    assert properties(world) == {"x": 2}
    world = visited(world_of(update(set={"x": 1}), update("b", unset=["x"])))
    assert properties(world) == {}


def test_later_shop_value_overrides_increments() -> None:
    """The shop counts the points itself and reports the new total."""
    world = visited(world_of(update(increment={"points": 5})), properties={"points": 10})
    assert properties(world) == {"points": 15}
    world.event("Points Counted", properties={"points": 12})
    world.run_for(minutes=1)
    assert properties(world) == {"points": 12}


def test_increments_of_concurrent_workflows_all_count() -> None:
    twice = {
        name: visit(update(increment={"points": 5}, append={"seen": name}))
        for name in ("one", "two", "three")
    }
    world = World()
    world.publish(shop(**twice))
    visited(world)
    assert properties(world)["points"] == 15
    assert sorted(properties(world)["seen"]) == ["one", "three", "two"]


def test_many_increments_add_up_beyond_the_recent_limit() -> None:
    loop = [
        delay("1 hour", "wait"),
        step("add_score", "score", points=3),
        goto("again", "wait", max=MAX_RECENT_ADDITIONS * 2),
    ]
    world = visited(world_of(*loop), days=9)
    assert world.profile().get("score") == 3 * (MAX_RECENT_ADDITIONS * 2 + 1)


@pytest.mark.parametrize(
    "stored", ["many", True, [1], {"a": 1}, "9" * 40, 10**400, 1.7e308, -1.7e308]
)
def test_increment_of_any_stored_value_does_not_fail(stored: Any) -> None:
    change = update(increment={"points": 1.5e308}, append={"other": "x"})
    known = {"points": stored, "other": stored}
    world = visited(world_of(change, send("mail")), properties=known)
    assert ended(world) == ("completed", "")
    assert world.steps_mailed() == ["mail"]
    assert "points" in properties(world)


# --- events ---


def test_emitted_event_starts_another_workflow() -> None:
    emit = step(
        "emit_event",
        "tell",
        event="Cart Warmed",
        properties={"total": {"from": "event.total"}, "kind": "warm", "gone": {"from": "event.x"}},
    )
    world = World()
    other = workflow(send("react"), on="Cart Warmed", category="transactional")
    world.publish(shop(visit=visit(emit), other=other))
    visited(world, {"total": 42})
    (data,) = data_of(world, "Cart Warmed")
    origin = data.pop("_emitted_by")
    assert data == {"total": 42, "kind": "warm"}
    assert (origin["workflow"], origin["step"], origin["chain_depth"]) == ("visit", "tell", 1)
    assert world.steps_mailed() == ["react"]


def test_emitted_event_exits_and_resumes_other_enrollments() -> None:
    emit = step("emit_event", "tell", event="Cart Warmed")
    world = World()
    waits = step("wait_for", "w", event="Cart Warmed", timeout="9 days", on_event=[send("woken")])
    leaves = visit(delay("9 days"), on="Began", exit_on=[{"event": "Cart Warmed"}])
    world.publish(shop(visit=visit(emit), waits=visit(waits, on="Began"), leaves=leaves))
    world.event("Began")
    world.run_for(hours=1)
    visited(world)
    assert world.steps_mailed() == ["woken"]
    reasons = {e.ref.workflow: e.reason for e in world.enrollments_of()}
    assert reasons == {"waits": "", "leaves": "exit on Cart Warmed", "visit": ""}


def test_branch_counts_the_event_just_emitted() -> None:
    emit = step("emit_event", "tell", event="Warmed", properties={"n": 3})
    condition = {
        "all": [
            {"did": "Warmed", "times": {"is": 1}},
            {"did": "Warmed", "since": "enrollment"},
            {"did": "Warmed", "where": {"event": "n", "is": 3}},
            {"sum_of": "Warmed", "of": "n", "gte": 3, "lte": 3},
        ]
    }
    assert visited(world_of(emit, branch("b", condition, [send("yes")]))).steps_mailed() == ["yes"]


def test_start_workflow_passes_the_event_on() -> None:
    greeting = template(
        "greeting", body="Cart {{ event.total }} of {{ event.shop | default('-') }}"
    )
    world = World()
    started = workflow(
        send("mail", "greeting"), category="transactional", trigger={"type": "manual"}
    )
    bystander = workflow(send("never"), category="transactional", trigger={"type": "manual"})
    start = step("start_workflow", "go", workflow="started")
    world.publish(shop(visit=visit(start), started=started, bystander=bystander) | greeting)
    visited(world, {"total": 42, "shop": "x", "workflow": "bystander"})
    assert world.steps_mailed() == ["mail"]
    assert "Cart 42 of x" in world.last_mail().text
    (enrollment,) = (e for e in world.enrollments_of() if e.ref.workflow == "started")
    assert enrollment.event_data["_emitted_by"]["starts_workflow"] == "started"


def test_event_passed_on_is_not_stored_in_outcomes() -> None:
    """It would make every later write more expensive, and an item is limited to 400 KB."""
    world = World()
    hands_on = visit(*(step("start_workflow", f"go-{n}", workflow="started") for n in range(4)))
    started = visit(send("mail"), trigger={"type": "manual"})
    world.publish(shop(visit=hands_on, started=started))
    visited(world, {"note": "x" * 100_000})
    assert len(data_of(world, "Workflow Started")[3]["note"]) == 100_000
    (first, *_) = world.enrollments_of()
    assert len(str(first.outcomes)) < 5000


def test_api_event_starts_a_manual_workflow_by_name() -> None:
    world = world_of(send("mail"), trigger={"type": "manual"})
    world.event("Workflow Started", {"workflow": "another"})
    world.event("Workflow Started", {"workflow": "visit"})
    world.run_for(minutes=1)
    assert world.steps_mailed() == ["mail"]


@pytest.mark.parametrize(
    "origin",
    [
        "x",
        7,
        None,
        [],
        {},
        {"chain_depth": "x"},
        {"chain_depth": None},
        {"chain_depth": [9]},
        {"chain_depth": -3},
    ],
)
def test_forged_emitted_by_data_breaks_nothing(origin: Any) -> None:
    world = world_of(step("emit_event", "tell", event="Told"), trigger={"type": "manual"})
    world.event("Workflow Started", {"_emitted_by": origin, "workflow": "visit"})
    world.run_for(minutes=1)
    assert ended(world) == ("completed", "")
    assert len(data_of(world, "Told")) == 1


@pytest.mark.parametrize("by", ["start", "event", "property"])
def test_workflows_that_start_each_other_stop_at_the_chain_limit(by: str) -> None:
    world = World()
    always: Json = {"category": "transactional", "reentry": {"allow": "always"}}
    pair = {}
    for name, other in (("ping", "pong"), ("pong", "ping")):
        match by:
            case "start":
                action = step("start_workflow", "go", workflow=other)
                trigger: Json = {"type": "manual"}
            case "event":
                action = step("emit_event", "go", event=other)
                trigger = {"type": "event", "event": name}
            case _:
                action = update("go", increment={other: 1})
                trigger = {"type": "contact", "field": f"properties.{name}"}
        pair[name] = workflow(action, trigger=trigger, **always)
    world.publish(shop(**pair))
    match by:
        case "start":
            world.event("Workflow Started", {"workflow": "ping"})
        case "event":
            world.event("ping")
        case _:
            world.event("Visited", properties={"ping": 0})
    world.run_for(days=1)
    assert len(world.enrollments_of()) == MAX_CHAIN_DEPTH + 1
    assert all(e.status == "completed" for e in world.enrollments_of())
    refused = {reason for r in world.reactions for _, reason in r.refused if "guard" in reason}
    assert refused == {f"loop guard: {MAX_CHAIN_DEPTH} workflows have set each other going"}


# --- triggers on changes ---


@pytest.mark.parametrize(
    ("action", "trigger"),
    [
        (step("add_to_list", "d", list="club"), {"type": "list", "list": "club"}),
        (
            step("remove_from_list", "d", list="club"),
            {"type": "list", "list": "club", "on": "removed"},
        ),
        (step("set_stage", "d", stage="vip"), {"type": "contact", "field": "stage", "to": "vip"}),
        (step("add_score", "d", points=60), {"type": "contact", "field": "score", "crosses": 50}),
        (
            update("d", set={"plan": "gold"}),
            {"type": "contact", "field": "properties.plan", "from": "free", "to": "gold"},
        ),
        (update("d", unset=["plan"]), {"type": "contact", "field": "properties.plan"}),
        (update("d", locale="fr"), {"type": "contact", "field": "locale"}),
    ],
)
def test_change_by_a_step_starts_the_workflow_triggered_by_it(action: Json, trigger: Json) -> None:
    world = World()
    other = workflow(send("mail"), category="transactional", trigger=trigger)
    world.publish(shop(visit=visit(action), other=other))
    visited(world, properties={"plan": "free"})
    assert world.steps_mailed() == ["mail"]


@pytest.mark.parametrize(
    ("action", "trigger"),
    [
        (step("add_to_list", "d", list="club"), {"type": "list", "list": "other"}),
        (step("add_to_list", "d", list="club"), {"type": "list", "list": "club", "on": "removed"}),
        (step("set_stage", "d", stage="vip"), {"type": "contact", "field": "stage", "to": "new"}),
        (step("add_score", "d", points=40), {"type": "contact", "field": "score", "crosses": 50}),
        (update("d", set={"plan": "free"}), {"type": "contact", "field": "properties.plan"}),
        (
            update("d", set={"plan": "gold"}),
            {"type": "contact", "field": "properties.plan", "from": "trial"},
        ),
        (update("d", set={"score": 99}), {"type": "contact", "field": "score"}),
    ],
)
def test_unrelated_or_no_change_starts_no_workflow(action: Json, trigger: Json) -> None:
    world = World()
    other = workflow(send("mail"), category="transactional", trigger=trigger)
    world.event("Began", properties={"plan": "free"})
    world.run_for(minutes=1)
    world.publish(shop(visit=visit(action), other=other))
    visited(world)
    assert world.steps_mailed() == []


def test_score_that_crosses_again_starts_the_workflow_again() -> None:
    world = World()
    trigger = {"type": "contact", "field": "score", "crosses": 50}
    always: Json = {"category": "transactional", "reentry": {"allow": "always"}}
    files = shop(hot=workflow(send("hot"), trigger=trigger, **always))
    for name, points in (("up", 40), ("down", -40)):
        files[f"workflows/{name}.json"] = visit(step("add_score", "s", points=points), on=name)
    world.publish(files)
    for name in ("up", "up", "up", "down", "down", "up"):
        world.event(name)
        world.run_for(hours=1)
    assert world.profile().get("score") == 80
    assert world.steps_mailed() == ["hot", "hot"]


def test_click_on_a_named_link_starts_a_workflow() -> None:
    link = "https://shop.example/cart"
    wanted = {"type": "email", "on": "clicked", "workflow": "visit", "step": "mail", "link": link}
    always: Json = {"category": "transactional", "reentry": {"allow": "always"}}
    world = World()
    world.publish(
        shop(
            visit=visit(send("mail"), send("second")),
            after=workflow(send("after"), trigger=wanted, **always),
        )
    )
    visited(world)
    mail, second = world.mails
    world.click(second)
    world.click(mail, "https://shop.example/other")
    world.open(mail)
    world.run_for(minutes=1)
    assert world.steps_mailed() == ["mail", "second"]
    world.click(mail)
    world.run_for(minutes=1)
    assert world.steps_mailed() == ["mail", "second", "after"]


@pytest.mark.parametrize("on", ["opened", "bounced", "complained"])
def test_open_bounce_or_complaint_starts_a_workflow(on: str) -> None:
    world = World()
    emit = step("emit_event", "tell", event="Told")
    world.publish(
        shop(visit=visit(send("mail")), after=visit(emit, trigger={"type": "email", "on": on}))
    )
    visited(world)
    act = {"opened": world.open, "bounced": world.bounce, "complained": world.complain}[on]
    act(world.last_mail())
    world.run_for(minutes=1)
    assert len(data_of(world, "Told")) == 1


def test_unsubscribe_starts_a_workflow() -> None:
    world = World()
    emit = step("emit_event", "tell", event="Told")
    after = visit(emit, trigger={"type": "email", "on": "unsubscribed"})
    world.publish(shop(visit=visit(send("mail"), category="marketing"), after=after))
    world.consent()
    visited(world)
    world.unsubscribe(world.last_mail())
    world.run_for(minutes=1)
    assert len(data_of(world, "Told")) == 1


def test_joining_a_list_twice_starts_its_workflow_once() -> None:
    world = World()
    join = step("add_to_list", "join", list="club")
    files = shop(
        one=visit(join, on="One"),
        two=visit(join, on="Two"),
        welcome=workflow(
            send("welcome"), category="transactional", trigger={"type": "list", "list": "club"}
        ),
    )
    world.publish(files)
    for name in ("One", "Two"):
        world.event(name)
        world.run_for(hours=1)
    assert world.steps_mailed() == ["welcome"]


def test_event_emitted_before_a_wait_does_not_end_it() -> None:
    emit = step("emit_event", "tell", event="Told")
    answer = wait_for("answer", "Told", "1 day", [send("heard")], [send("silence")])
    world = world_of(emit, answer)
    visited(world, days=2)
    assert world.steps_mailed() == ["silence"]
