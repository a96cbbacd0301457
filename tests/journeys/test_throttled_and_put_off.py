"""A mail that SES refuses for now may have to wait for other reasons, longer than it is watched."""

from milepost.sending.message import SubmissionRejected
from tests.support.builders import ADA, send, settings, shop, workflow
from tests.support.world import World

BUSY = SubmissionRejected("Throttling", retry=True)


def throttled_at_noon(**more: object) -> World:
    world = World()
    files = shop(visit=workflow(send("hello"), on="Visited"))
    world.publish(files | {"settings.json": settings(**more)})
    world.consent()
    world.run_for(seconds=10)
    world.mailer.script.extend([BUSY] * 50)
    world.event("Visited")
    world.run_for(minutes=5)
    world.mailer.script.clear()
    return world


def test_it_goes_out_in_the_morning_though_it_was_given_up_in_the_night() -> None:
    world = throttled_at_noon(quiet_hours={"from": "12:01", "to": "20:00"})
    assert world.messages()["hello"][0] == "throttled"
    world.run_for(hours=4)
    assert world.messages()["hello"] == ("failed", "Throttling")
    assert world.mails == []
    world.run_for(hours=8)
    assert world.messages()["hello"][0] == "accepted"
    assert world.steps_mailed(ADA) == ["hello"]


def test_it_may_be_put_off_once_more_after_it_was_given_up() -> None:
    world = throttled_at_noon(quiet_hours={"from": "12:01", "to": "20:00"})
    world.run_for(hours=4)
    longer = settings(quiet_hours={"from": "12:01", "to": "23:00"})
    world.publish({"settings.json": longer})
    world.run_for(hours=5)
    assert world.mails == []
    world.run_for(hours=3)
    assert world.steps_mailed(ADA) == ["hello"]


def test_given_up_it_leaves_room_for_another() -> None:
    world = World()
    one, other = (workflow(send(name), on=name.title()) for name in ("hello", "news"))
    kept = settings(caps={"per_day": 1}, smart_sending="10 hours")
    world.publish(shop(one=one, other=other) | {"settings.json": kept})
    world.consent()
    world.mailer.script.extend([BUSY] * 500)
    world.event("Hello")
    world.run_for(minutes=5)
    world.publish({"workflows/one.json": {**one, "status": "paused"}})
    world.run_for(hours=5)
    assert world.messages()["hello"] == ("failed", "Throttling")
    world.mailer.script.clear()
    world.event("News")
    world.run_for(hours=1)
    assert world.steps_mailed() == ["news"]
    (news,) = (m for m in world.state.messages.values() if m["step"] == "news")
    assert news["numbers"]["cap per day"] == "0 of 1"
    assert "last mail" not in news["numbers"]
    world.publish({"workflows/one.json": one})
    world.run_for(hours=1)
    assert world.messages()["hello"] == ("skipped", "smart sending")


def test_it_is_given_up_for_good_if_its_reader_left_meanwhile() -> None:
    world = throttled_at_noon(quiet_hours={"from": "12:01", "to": "20:00"})
    world.consent(state="withdrawn")
    world.run_for(days=1)
    assert world.messages()["hello"] == ("skipped", "consent withdrawn")
    assert world.mails == []
