"""What is live never comes to harm by what is published beside it."""

from tests.support.builders import STORE, delay, send, settings, shop, text, workflow
from tests.support.world import World

FIRST = workflow(delay("1 hour"), send("reminder"))
SECOND = workflow(delay("2 hours"), send("reminder"))


def test_a_version_that_never_went_live_keeps_its_number() -> None:
    """A publication that was cut off, or another at the same moment, has laid down version 1."""
    world = World()
    world.publish(shop(other=FIRST))
    program = world.program("other")
    stale = program.__class__("cart", 1, program.head, program.nodes, program.entry)
    assert world.publications.keep_program(STORE, stale, "another file")
    (report,) = [r for r in world.publish({"workflows/cart.json": SECOND}) if "cart" in r.file]
    assert report.outcome == "published"
    live = world.publications.head(STORE).workflows["cart"]
    assert live.version == 2
    assert "wait-2-hours" in world.publications.program(STORE, "cart", 2).nodes
    assert world.publications.program(STORE, "cart", 1) == stale


def test_a_topic_that_workflows_mail_about_cannot_be_dropped() -> None:
    world = World()
    world.publish(shop(cart=workflow(send("reminder"), topic="offers")))
    changed = settings(topics={"news": "News"}, shop_topics=["news"])
    world.files.write(STORE, "settings.json", text(changed))
    (report,) = world.publisher.publish(STORE, ["settings.json"])
    assert report.outcome == "refused"
    assert '"offers" is used by cart' in report.problems[0].reason
    assert "offers" in (world.publications.head(STORE).settings.topics or {})
