"""A template edit reaches active enrollments, except for steps with `template_version`."""

from collections.abc import Mapping

from milepost.publishing.templates import publish_template
from tests.journeys.visits import step, visit, visited, world_of
from tests.support.builders import STORE, Content, Json, delay, send, template, text
from tests.support.world import World

OLD, NEW = "Your cart is waiting.", "Your basket is waiting."
WITHOUT_UNSUBSCRIBE = "<html><body><p>Your basket.</p></body></html>"


def version(world: World, name: str = "plain") -> str:
    return world.shelf.head(STORE).templates[name]


def republish(world: World, files: Mapping[str, Content]) -> list[tuple[str, list[str]]]:
    """Publish files and return each outcome with its problems."""
    for path, content in files.items():
        world.files.write(STORE, path, text(content))
    reports = world.publisher.publish(STORE, sorted(files))
    return [(report.outcome, [str(p) for p in report.problems]) for report in reports]


def pinned_world(*steps: Json, **head: object) -> tuple[World, str]:
    """A world in which `PIN` in the steps stands for the first version of the template `plain`."""
    world = world_of(send("any"))
    pin = version(world)
    document = text(visit(*steps, **head)).replace("PIN", pin)
    assert republish(world, {"workflows/visit.json": document})[-1] == ("published", [])
    return world, pin


def test_template_edit_reaches_active_enrollments_except_pinned_steps() -> None:
    world, pin = pinned_world(
        send("before"), delay("1 day"), send("pinned", template_version="PIN"), send("usual")
    )
    visited(world)
    world.publish(template("plain", body=NEW))
    assert version(world) != pin
    world.run_for(days=2)
    contents = [(mail.tags["step"], OLD in mail.html, NEW in mail.html) for mail in world.mails]
    assert contents == [("before", True, False), ("pinned", True, False), ("usual", False, True)]
    hashes = {m["step"]: m["template_hash"] for m in world.state.messages.values()}
    assert hashes == {"before": pin, "pinned": pin, "usual": version(world)}


def test_variant_can_be_pinned_to_a_template_version() -> None:
    variants = [
        {"name": "a", "template": "plain", "weight": 0},
        {"name": "b", "template": "plain", "template_version": "PIN"},
    ]
    world, pin = pinned_world(step("send_email", "tested", variants=variants))
    world.publish(template("plain", body=NEW))
    visited(world)
    assert OLD in world.last_mail().html
    (message,) = world.state.messages.values()
    assert (message["variant"], message["template_hash"]) == ("b", pin)


def test_template_edit_is_not_checked_against_needs_of_pinned_steps() -> None:
    world, pin = pinned_world(send("offer", template_version="PIN"), category="marketing")
    edit: dict[str, Content] = {"templates/plain/body.html": WITHOUT_UNSUBSCRIBE}
    assert republish(world, edit) == [("published", [])]
    unpinned = {"workflows/visit.json": visit(send("offer"), category="marketing")}
    ((outcome, problems),) = republish(world, unpinned)
    assert outcome == "refused", "a step without a pin needs the unsubscribe link"
    assert all(problem.startswith("steps[0].template: ") for problem in problems)
    world.consent()
    visited(world)
    assert OLD in world.last_mail().html
    assert pin in next(iter(world.state.messages.values()))["template_hash"]


def test_template_version_that_was_never_live_is_refused() -> None:
    world, pin = pinned_world(send("kept", template_version="PIN"))
    never = visit(send("kept", template_version="0" * 16))
    ((outcome, problems),) = republish(world, {"workflows/visit.json": never})
    assert (outcome, len(problems)) == ("refused", 1)
    assert problems[0].startswith("steps[0].template_version: plain has never been live in")
    assert f"{pin} is live" in problems[0]


def test_version_unfit_for_marketing_cannot_be_pinned_for_marketing() -> None:
    world = world_of(send("any"))
    republish(world, {"templates/plain/body.html": WITHOUT_UNSUBSCRIBE})
    bare = version(world)
    world.publish(template("plain"))
    for category, outcome in (("marketing", "refused"), ("transactional", "published")):
        document = visit(send("any", template_version=bare), category=category)
        assert republish(world, {"workflows/visit.json": document})[-1][0] == outcome


def test_template_folder_of_a_pinned_step_cannot_be_deleted() -> None:
    world, _ = pinned_world(send("kept", template_version="PIN"))
    gone = publish_template(world.publisher.publications, STORE, "plain", {}, {})
    assert [str(p) for p in gone.problems] == [
        "templates/plain: is used by visit (its last version stays live)"
    ]


def test_report_of_template_edit_names_the_previous_version() -> None:
    world = world_of(send("any"))
    before = version(world)
    world.publish(template("plain", body=NEW))
    report = world.files.read(STORE, "reports/templates.plain.report.md")
    assert report is not None
    assert f"as version {version(world)}" in report
    assert f"before it, version {before} was live" in report


def test_workflow_tests_use_the_pinned_template_version() -> None:
    world = world_of(send("any"))
    pin = version(world)
    world.publish(template("plain", subject="Another subject"))
    case = {
        "name": "both",
        "trigger": {},
        "expect": {
            "messages": [
                {"step": "pinned", "subject": "About plain", "locale": "en"},
                {"step": "usual", "subject": "Another subject", "locale": "en"},
            ]
        },
    }
    files: dict[str, Content] = {
        "tests/visit.test.json": {"workflow": "visit", "cases": [case]},
        "workflows/visit.json": visit(send("pinned", template_version=pin), send("usual")),
    }
    assert republish(world, files)[-1] == ("published", [])
