"""Publishing with versions, reports and test cases."""

import json
from itertools import pairwise

from milepost.publishing.report import PublishReport
from tests.support.builders import (
    STORE,
    Content,
    Json,
    delay,
    send,
    settings,
    shop,
    template,
    text,
    workflow,
)
from tests.support.world import World

FIRST = workflow(delay("1 hour"), send("reminder"))
SECOND = workflow(delay("2 hours"), send("reminder"))


def test_version_that_never_went_live_keeps_its_number() -> None:
    """An interrupted or a concurrent publish has stored version 1."""
    world = World()
    world.publish(shop(other=FIRST))
    program = world.program("other")
    stale = program.__class__("cart", 1, program.options, program.nodes, program.entry)
    assert world.publications.save_program(STORE, stale, "another file")
    (report,) = [r for r in world.publish({"workflows/cart.json": SECOND}) if "cart" in r.file]
    assert report.outcome == "published"
    live = world.publications.head(STORE).workflows["cart"]
    assert live.version == 2
    assert "wait-2-hours" in world.publications.program(STORE, "cart", 2).nodes
    assert world.publications.program(STORE, "cart", 1) == stale


def test_topic_in_use_cannot_be_removed() -> None:
    world = World()
    world.publish(shop(cart=workflow(send("reminder"), topic="offers")))
    changed = settings(topics={"news": "News"}, shop_topics=["news"])
    world.files.write(STORE, "settings.json", text(changed))
    (report,) = world.publisher.publish(STORE, ["settings.json"])
    assert report.outcome == "refused"
    assert '"offers" is used by cart' in report.problems[0].reason
    assert "offers" in (world.publications.head(STORE).settings.topics or {})


# --- the report ---


def publish_files(world: World, files: dict[str, Content]) -> PublishReport:
    """Upload files and return the last report."""
    for path, content in files.items():
        world.files.write(STORE, path, text(content))
    return world.publisher.publish(STORE, list(files))[-1]


def report_text(world: World, name: str = "cart") -> str:
    return world.files.read(STORE, f"reports/workflows.{name}.report.md") or ""


def test_publish_report_contains_picture_description_and_price() -> None:
    world = World()
    world.publish(shop(cart=FIRST))
    written = report_text(world)
    assert "```mermaid" in written
    assert "flowchart TD" in written
    assert "Wait 1 hour." in written
    assert "| straight through | `reminder` | 3 | 0.175 |" in written
    assert "finish on theirs" in written
    assert "What changed" not in written
    document = json.loads(world.files.read(STORE, "reports/workflows.cart.report.json") or "")
    assert document["explanation"].keys() == {
        "picture",
        "description",
        "difference",
        "prices",
        "on_publish",
        "paths",
        "costs",
    }
    assert document["explanation"]["paths"] == 1
    (cost,) = document["explanation"]["costs"]
    assert (cost["mails"], cost["transitions"]) == (["reminder"], 3)
    assert cost["usd_per_1000_contacts"] == 0.175


def test_repeated_notification_keeps_the_report_complete() -> None:
    """S3 and Lambda can repeat a notification; the report must stay complete."""
    world = World()
    world.publish(shop(cart=FIRST))
    world.publish({"workflows/cart.json": {**SECOND, "title": "Carts"}})
    before = report_text(world)
    world.publisher.publish(STORE, ["workflows/cart.json"])
    after = report_text(world)
    assert "was live already as version 2" in after
    assert after.partition("## Picture")[2] == before.partition("## Picture")[2]
    assert "Its `title` was **A workflow**, is now **Carts**." in after


def test_report_names_a_change_of_status() -> None:
    world = World()
    world.publish(shop(cart=FIRST))
    for before, status in pairwise(["live", "paused", "live", "draft", "paused"]):
        world.publish({"workflows/cart.json": FIRST | {"status": status}})
        assert f"- Its `status` was **{before}**, is now **{status}**." in report_text(world)
        assert ("everybody inside stands still" in report_text(world)) is (status == "paused")


def test_report_names_the_changes_since_the_live_version() -> None:
    world = World()
    world.publish(shop(cart=FIRST))
    world.publish({"workflows/cart.json": {**SECOND, "title": "Carts"}})
    written = report_text(world)
    assert "Its `title` was **A workflow**, is now **Carts**." in written
    assert "wait-1-hour" in written


def test_source_of_every_version_stays_readable() -> None:
    world = World()
    world.publish(shop(cart=FIRST))
    world.publish({"workflows/cart.json": SECOND})
    kept = [world.files.read(STORE, f"published/cart.{number}.json") for number in (1, 2)]
    assert [json.loads(text or "") for text in kept] == [FIRST, SECOND]


def test_report_omits_changes_if_the_previous_source_is_missing() -> None:
    world = World()
    world.publish(shop(cart=FIRST))
    world.files.remove(STORE, "published/cart.1.json")
    world.publish({"workflows/cart.json": SECOND})
    assert "What changed" not in report_text(world)


# --- a workflow's own tests ---


def cases_expecting(*steps: str) -> dict[str, Content]:
    case = {
        "name": "a contact without actions",
        "contact": {"consents_to": ["offers"]},
        "expect": {"messages": [{"step": step} for step in steps]},
    }
    return {"tests/cart.test.json": {"workflow": "cart", "cases": [case]}}


def test_failing_test_case_refuses_the_workflow() -> None:
    world = World()
    world.publish(shop(cart=FIRST))
    publish_files(world, cases_expecting("reminder"))
    two = workflow(delay("1 hour"), send("reminder"), send("another"))
    refused = publish_files(world, {"workflows/cart.json": two})
    assert refused.outcome == "refused"
    (problem,) = refused.problems
    assert problem.location.startswith("tests/cart.test.json: cases[0]")
    assert world.program("cart").version == 1
    assert publish_files(world, cases_expecting("reminder", "another")).outcome == "published"
    assert world.program("cart").version == 2


def test_passing_test_case_lets_the_workflow_go_live() -> None:
    world = World()
    files = shop(cart=FIRST) | cases_expecting("reminder")
    world.publish(files)
    assert world.program("cart").version == 1


def test_unreadable_test_file_refuses_the_workflow() -> None:
    world = World()
    world.publish(shop(cart=FIRST))
    report = publish_files(world, {"tests/cart.test.json": "{"})
    assert report.outcome == "refused"
    assert report.problems[0].location.startswith("tests/cart.test.json: line 1")
    assert world.program("cart").version == 1


def test_unavailable_step_type_is_refused() -> None:
    world = World()
    ticket = {"id": "t", "type": "create_ticket", "profile": "desk", "title": "Help"}
    world.publish(shop(cart=FIRST))
    report = publish_files(world, {"workflows/cart.json": workflow(ticket)})
    assert report.outcome == "refused"
    assert "is not available in this version" in report.problems[0].reason


def test_two_workflows_that_start_each_other_publish_together() -> None:
    def starting(other: str) -> Json:
        step = {"id": "go", "type": "start_workflow", "workflow": other}
        return workflow(step, trigger={"type": "manual"})

    world = World()
    world.publish(shop(one=starting("two"), two=starting("one")))
    assert {*world.publications.head(STORE).workflows} == {"one", "two"}


def test_template_can_use_a_step_output_only_if_the_step_exists() -> None:
    world = World()
    used = template("told", body="{{ steps.crm.body.tier | default('no') }} tier")
    hook = {"id": "crm", "type": "webhook", "url": "https://crm.example/hook"}
    world.publish(shop() | used | {"workflows/cart.json": workflow(hook, send("a", "told"))})
    lost = publish_files(world, {"workflows/cart.json": workflow(send("a", "told"))})
    assert [problem.reason for problem in lost.problems] == [
        'told speaks of steps.crm, and there is no step "crm"'
    ]


def test_change_of_the_status_alone_makes_no_new_version() -> None:
    """A pause must not move those inside, nor begin a new state machine."""
    world = World()
    world.publish(shop(cart=FIRST))
    machines = dict(world.machines.versions)
    for status in ("paused", "live", "draft", "live"):
        world.publish({"workflows/cart.json": {**FIRST, "status": status}})
        live = world.publications.head(STORE).workflows["cart"]
        assert (live.version, live.status) == (1, status)
    assert world.machines.versions == machines
    world.publish({"workflows/cart.json": {**SECOND, "status": "live"}})
    assert world.publications.head(STORE).workflows["cart"].version == 2
