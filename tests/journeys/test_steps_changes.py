"""Steps that change the contact or report events, and who reacts to that."""

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


def test_properties_are_set_and_removed_and_added_to() -> None:
    change = update(
        set={"plan": "gold", "nested": {"a": [1, None]}}, unset=["trial"],
        increment={"points": 5, "balance": -2.5}, append={"colors": "blue"},
    )  # fmt: skip
    known = {"trial": True, "points": 10, "colors": ["red"], "kept": 1}
    world = visited(world_of(change), properties=known)
    assert properties(world) == {
        "plan": "gold", "nested": {"a": [1, None]}, "points": 15, "balance": -2.5,
        "colors": ["red", "blue"], "kept": 1,
    }  # fmt: skip


def test_values_are_taken_from_where_they_are_and_left_out_where_they_are_not() -> None:
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
        "total": 42, "id": "c-1", "products": [{"name": "mug"}], "language": "pt_br",
        "zone": "America/Sao_Paulo",
    }  # fmt: skip
    world = visited(world_of(change), data)
    assert properties(world) == {
        "cart": 42, "ids": ["c-1", 7], "who": {"mail": ADA}, "shop": "Harborline Goods",
        "in": "visit", "seen": [["mug"]],
    }  # fmt: skip
    assert world.profile().get("locale") == "pt-BR"
    assert world.profile().get("timezone") == "America/Sao_Paulo"


@pytest.mark.parametrize("wrong", ["Mars/Olympus", "", 7, None, ["Europe/Paris"], "../etc"])
def test_a_language_or_a_zone_that_is_none_changes_nothing(wrong: Any) -> None:
    change = update(locale={"from": "event.x"}, timezone={"from": "event.x"})
    world = world_of(change, send("mail"))
    visited(world, {"x": wrong}, locale="fr", timezone="Europe/Paris")
    assert world.profile().get("locale") == "fr"
    assert world.profile().get("timezone") == "Europe/Paris"
    assert ended(world) == ("completed", "")


def test_the_next_mail_knows_what_has_just_been_set_and_says_whole_numbers_as_such() -> None:
    greeting = template("greeting", body="{{ contact.locale | default('-') }}: "
                        "{{ contact.properties.plan | default('-') }}, "
                        "{{ contact.properties.points | default('-') }} points.")  # fmt: skip
    change = update(set={"plan": "gold"}, increment={"points": 5}, locale="en-GB")
    world = visited(world_of(change, send("mail", "greeting"), files=greeting))
    assert "en-GB: gold, 5 points." in world.last_mail().text


def test_a_branch_sees_what_the_step_above_it_has_changed() -> None:
    asked = {"all": [{"contact": "properties.n", "is": 2}, {"contact": "stage", "is": "vip"},
                     {"contact": "score", "gte": 7}, {"in_list": "club"}]}  # fmt: skip
    steps = [
        update(set={"n": 1}), update("again", increment={"n": 1}),
        step("set_stage", "stage", stage="vip"), step("add_score", "score", points=7),
        step("add_to_list", "join", list="club"), branch("all-of-it", asked, [send("yes")]),
        step("remove_from_list", "leave", list="club"),
        branch("gone", {"not": {"in_list": "club"}}, [send("left")]),
    ]  # fmt: skip
    assert visited(world_of(*steps)).steps_mailed() == ["yes", "left"]


def test_changes_are_seen_days_later_too() -> None:
    steps = [update(set={"n": 1}), delay("3 days"),
             branch("b", {"contact": "properties.n", "is": 1}, [send("yes")])]  # fmt: skip
    assert visited(world_of(*steps), days=4).steps_mailed() == ["yes"]


def test_of_two_steps_that_set_one_property_the_later_counts() -> None:
    world = visited(world_of(update(set={"x": 1}), update("b", set={"x": 2})))
    assert properties(world) == {"x": 2}
    world = visited(world_of(update(set={"x": 1}), update("b", unset=["x"])))
    assert properties(world) == {}


def test_what_the_shop_says_later_counts_for_more_than_what_was_added_before() -> None:
    """The shop counts the points itself, and says how many there are now."""
    world = visited(world_of(update(increment={"points": 5})), properties={"points": 10})
    assert properties(world) == {"points": 15}
    world.event("Points Counted", properties={"points": 12})
    world.run_for(minutes=1)
    assert properties(world) == {"points": 12}


def test_points_of_workflows_that_run_at_once_are_all_counted() -> None:
    twice = {name: visit(update(increment={"points": 5}, append={"seen": name}))
             for name in ("one", "two", "three")}  # fmt: skip
    world = World()
    world.publish(shop(**twice))
    visited(world)
    assert properties(world)["points"] == 15
    assert sorted(properties(world)["seen"]) == ["one", "three", "two"]


def test_more_additions_than_are_kept_apart_come_to_the_same() -> None:
    loop = [
        delay("1 hour", "wait"), step("add_score", "score", points=3),
        goto("again", "wait", max=MAX_RECENT_ADDITIONS * 2),
    ]  # fmt: skip
    world = visited(world_of(*loop), days=9)
    assert world.profile().get("score") == 3 * (MAX_RECENT_ADDITIONS * 2 + 1)


@pytest.mark.parametrize(
    "held", ["many", True, [1], {"a": 1}, "9" * 40, 10**400, 1.7e308, -1.7e308]
)
def test_nothing_that_a_shop_may_have_put_there_stops_an_addition(held: Any) -> None:
    change = update(increment={"points": 1.5e308}, append={"other": "x"})
    known = {"points": held, "other": held}
    world = visited(world_of(change, send("mail")), properties=known)
    assert ended(world) == ("completed", "")
    assert world.steps_mailed() == ["mail"]
    assert "points" in properties(world)


# --- events ---


def test_an_event_of_a_workflow_is_an_event_like_any_other() -> None:
    tell = step(
        "emit_event", "tell", event="Cart Warmed",
        properties={"total": {"from": "event.total"}, "kind": "warm", "gone": {"from": "event.x"}},
    )  # fmt: skip
    world = World()
    other = workflow(send("react"), on="Cart Warmed", category="transactional")
    world.publish(shop(visit=visit(tell), other=other))
    visited(world, {"total": 42})
    (data,) = data_of(world, "Cart Warmed")
    origin = data.pop("_emitted_by")
    assert data == {"total": 42, "kind": "warm"}
    assert (origin["workflow"], origin["step"], origin["chain_depth"]) == ("visit", "tell", 1)
    assert world.steps_mailed() == ["react"]


def test_an_event_of_a_workflow_ends_and_wakes_others() -> None:
    tell = step("emit_event", "tell", event="Cart Warmed")
    world = World()
    waits = step("wait_for", "w", event="Cart Warmed", timeout="9 days", on_event=[send("woken")])
    leaves = visit(delay("9 days"), on="Began", exit_on=[{"event": "Cart Warmed"}])
    world.publish(shop(visit=visit(tell), waits=visit(waits, on="Began"), leaves=leaves))
    world.event("Began")
    world.run_for(hours=1)
    visited(world)
    assert world.steps_mailed() == ["woken"]
    reasons = {e.ref.workflow: e.reason for e in world.enrollments_of()}
    assert reasons == {"waits": "", "leaves": "exit on Cart Warmed", "visit": ""}


def test_a_branch_below_counts_the_event_just_reported() -> None:
    tell = step("emit_event", "tell", event="Warmed", properties={"n": 3})
    asked = {"all": [{"did": "Warmed", "times": {"is": 1}},
                     {"did": "Warmed", "since": "enrollment"},
                     {"did": "Warmed", "where": {"event": "n", "is": 3}},
                     {"sum_of": "Warmed", "of": "n", "gte": 3, "lte": 3}]}  # fmt: skip
    assert visited(world_of(tell, branch("b", asked, [send("yes")]))).steps_mailed() == ["yes"]


def test_a_step_can_start_another_workflow_and_hands_the_event_on() -> None:
    greeting = template(
        "greeting", body="Cart {{ event.total }} of {{ event.shop | default('-') }}"
    )
    world = World()
    started = workflow(send("mail", "greeting"), category="transactional",
                       trigger={"type": "manual"})  # fmt: skip
    bystander = workflow(send("never"), category="transactional", trigger={"type": "manual"})
    start = step("start_workflow", "go", workflow="started")
    world.publish(shop(visit=visit(start), started=started, bystander=bystander) | greeting)
    visited(world, {"total": 42, "shop": "x", "workflow": "bystander"})
    assert world.steps_mailed() == ["mail"]
    assert "Cart 42 of x" in world.last_mail().text
    (enrollment,) = (e for e in world.enrollments_of() if e.ref.workflow == "started")
    assert enrollment.event_data["_emitted_by"]["starts_workflow"] == "started"


def test_what_is_handed_on_is_not_kept_twice() -> None:
    """Every later write of the enrollment would be paid for it, and an item ends at 400 KB."""
    world = World()
    hands_on = visit(*(step("start_workflow", f"go-{n}", workflow="started") for n in range(4)))
    started = visit(send("mail"), trigger={"type": "manual"})
    world.publish(shop(visit=hands_on, started=started))
    visited(world, {"note": "x" * 100_000})
    assert len(data_of(world, "Workflow Started")[3]["note"]) == 100_000
    (first, *_) = world.enrollments_of()
    assert len(str(first.outcomes)) < 5000


def test_the_api_can_start_a_workflow_by_its_name() -> None:
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
def test_no_data_that_a_shop_may_send_confuses_who_started_what(origin: Any) -> None:
    world = world_of(step("emit_event", "tell", event="Told"), trigger={"type": "manual"})
    world.event("Workflow Started", {"_emitted_by": origin, "workflow": "visit"})
    world.run_for(minutes=1)
    assert ended(world) == ("completed", "")
    assert len(data_of(world, "Told")) == 1


@pytest.mark.parametrize("by", ["start", "event", "property"])
def test_workflows_that_set_each_other_going_stop(by: str) -> None:
    world = World()
    always: Json = {"category": "transactional", "reentry": {"allow": "always"}}
    pair = {}
    for name, other in (("ping", "pong"), ("pong", "ping")):
        match by:
            case "start":
                deed = step("start_workflow", "go", workflow=other)
                trigger: Json = {"type": "manual"}
            case "event":
                deed = step("emit_event", "go", event=other)
                trigger = {"type": "event", "event": name}
            case _:
                deed = update("go", increment={other: 1})
                trigger = {"type": "contact", "field": f"properties.{name}"}
        pair[name] = workflow(deed, trigger=trigger, **always)
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


# --- who reacts to changes ---


@pytest.mark.parametrize(
    ("deed", "trigger"),
    [
        (step("add_to_list", "d", list="club"), {"type": "list", "list": "club"}),
        (step("remove_from_list", "d", list="club"),
         {"type": "list", "list": "club", "on": "removed"}),
        (step("set_stage", "d", stage="vip"), {"type": "contact", "field": "stage", "to": "vip"}),
        (step("add_score", "d", points=60), {"type": "contact", "field": "score", "crosses": 50}),
        (update("d", set={"plan": "gold"}),
         {"type": "contact", "field": "properties.plan", "from": "free", "to": "gold"}),
        (update("d", unset=["plan"]), {"type": "contact", "field": "properties.plan"}),
        (update("d", locale="fr"), {"type": "contact", "field": "locale"}),
    ],
)  # fmt: skip
def test_a_change_lets_the_contact_into_the_workflow_that_waits_for_it(
    deed: Json, trigger: Json
) -> None:
    world = World()
    other = workflow(send("mail"), category="transactional", trigger=trigger)
    world.publish(shop(visit=visit(deed), other=other))
    visited(world, properties={"plan": "free"})
    assert world.steps_mailed() == ["mail"]


@pytest.mark.parametrize(
    ("deed", "trigger"),
    [
        (step("add_to_list", "d", list="club"), {"type": "list", "list": "other"}),
        (step("add_to_list", "d", list="club"), {"type": "list", "list": "club", "on": "removed"}),
        (step("set_stage", "d", stage="vip"), {"type": "contact", "field": "stage", "to": "new"}),
        (step("add_score", "d", points=40), {"type": "contact", "field": "score", "crosses": 50}),
        (update("d", set={"plan": "free"}), {"type": "contact", "field": "properties.plan"}),
        (update("d", set={"plan": "gold"}),
         {"type": "contact", "field": "properties.plan", "from": "trial"}),
        (update("d", set={"score": 99}), {"type": "contact", "field": "score"}),
    ],
)  # fmt: skip
def test_another_change_or_none_does_not(deed: Json, trigger: Json) -> None:
    world = World()
    other = workflow(send("mail"), category="transactional", trigger=trigger)
    world.event("Began", properties={"plan": "free"})
    world.run_for(minutes=1)
    world.publish(shop(visit=visit(deed), other=other))
    visited(world)
    assert world.steps_mailed() == []


def test_a_score_that_is_crossed_again_counts_again_and_one_that_stays_above_does_not() -> None:
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


def test_every_click_on_a_link_of_one_workflows_mail_may_begin_another() -> None:
    link = "https://shop.example/cart"
    wanted = {"type": "email", "on": "clicked", "workflow": "visit", "step": "mail", "link": link}
    always: Json = {"category": "transactional", "reentry": {"allow": "always"}}
    world = World()
    world.publish(shop(visit=visit(send("mail"), send("second")),
                       after=workflow(send("after"), trigger=wanted, **always)))  # fmt: skip
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
def test_what_becomes_of_a_mail_begins_a_workflow(on: str) -> None:
    world = World()
    tell = step("emit_event", "tell", event="Told")
    world.publish(shop(visit=visit(send("mail")),
                       after=visit(tell, trigger={"type": "email", "on": on})))  # fmt: skip
    visited(world)
    act = {"opened": world.open, "bounced": world.bounce, "complained": world.complain}[on]
    act(world.last_mail())
    world.run_for(minutes=1)
    assert len(data_of(world, "Told")) == 1


def test_an_answer_to_a_topic_begins_a_workflow() -> None:
    world = World()
    tell = step("emit_event", "tell", event="Told")
    after = visit(tell, trigger={"type": "email", "on": "unsubscribed"})
    world.publish(shop(visit=visit(send("mail"), category="marketing"), after=after))
    world.consent()
    visited(world)
    world.unsubscribe(world.last_mail())
    world.run_for(minutes=1)
    assert len(data_of(world, "Told")) == 1


def test_a_list_is_joined_through_whichever_workflow_and_welcomes_once() -> None:
    world = World()
    join = step("add_to_list", "join", list="club")
    files = shop(one=visit(join, on="One"), two=visit(join, on="Two"),
                 welcome=workflow(send("welcome"), category="transactional",
                                  trigger={"type": "list", "list": "club"}))  # fmt: skip
    world.publish(files)
    for name in ("One", "Two"):
        world.event(name)
        world.run_for(hours=1)
    assert world.steps_mailed() == ["welcome"]


def test_nobody_waits_for_what_they_report_themselves() -> None:
    tell = step("emit_event", "tell", event="Told")
    answer = wait_for("answer", "Told", "1 day", [send("heard")], [send("silence")])
    world = world_of(tell, answer)
    visited(world, days=2)
    assert world.steps_mailed() == ["silence"]
