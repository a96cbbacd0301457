"""A throttled mail can be deferred for longer than its retry period."""

from milepost.sending.message import SubmissionRejected
from tests.support.builders import ADA, send, settings, shop, workflow
from tests.support.world import World

THROTTLED = SubmissionRejected("Throttling", retry=True)


def throttled_at_noon(**more: object) -> World:
    world = World()
    files = shop(visit=workflow(send("hello"), on="Visited"))
    world.publish(files | {"settings.json": settings(**more)})
    world.consent()
    world.run_for(seconds=10)
    world.mailer.script.extend([THROTTLED] * 50)
    world.event("Visited")
    world.run_for(minutes=5)
    world.mailer.script.clear()
    return world


def test_throttled_mail_goes_out_after_quiet_hours_though_abandoned_meanwhile() -> None:
    world = throttled_at_noon(quiet_hours={"from": "12:01", "to": "20:00"})
    assert world.messages()["hello"][0] == "throttled"
    world.run_for(hours=4)
    assert world.messages()["hello"] == ("failed", "Throttling")
    assert world.mails == []
    world.run_for(hours=8)
    assert world.messages()["hello"][0] == "accepted"
    assert world.steps_mailed(ADA) == ["hello"]


def test_abandoned_mail_can_be_deferred_once_more() -> None:
    world = throttled_at_noon(quiet_hours={"from": "12:01", "to": "20:00"})
    world.run_for(hours=4)
    longer = settings(quiet_hours={"from": "12:01", "to": "23:00"})
    world.publish({"settings.json": longer})
    world.run_for(hours=5)
    assert world.mails == []
    world.run_for(hours=3)
    assert world.steps_mailed(ADA) == ["hello"]


def test_abandoned_mail_frees_its_place_under_the_cap() -> None:
    world = World()
    one, other = (workflow(send(name), on=name.title()) for name in ("hello", "news"))
    limits = settings(caps={"per_day": 1}, smart_sending="10 hours")
    world.publish(shop(one=one, other=other) | {"settings.json": limits})
    world.consent()
    world.mailer.script.extend([THROTTLED] * 500)
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


def test_abandoned_mail_is_skipped_if_consent_was_withdrawn() -> None:
    world = throttled_at_noon(quiet_hours={"from": "12:01", "to": "20:00"})
    world.consent(state="withdrawn")
    world.run_for(days=1)
    assert world.messages()["hello"] == ("skipped", "consent withdrawn")
    assert world.mails == []
