"""The simulator has mails wait as the stack does, and says what they wait for."""

from milepost.base import instants
from milepost.simulator.file import CaseInput
from milepost.simulator.test_case import run_case
from milepost.simulator.trace import EnrollmentTrace
from tests.journeys.test_deferrals import AT_TEN, NIGHT, SOON, live, mails
from tests.support.builders import STORE, Json, branch, delay, send, wait_for
from tests.support.world import World

TOTAL = {"event": "total", "gte": 10}


def simulated(world: World, *events: Json) -> EnrollmentTrace:
    """The same story in the simulator."""
    reader = {"email": "ada@mail.example", "consents_to": ["offers"]}
    story = {"contact": reader, "start": instants.format_instant(AT_TEN), "events": list(events)}
    tale = CaseInput.model_validate({**story, "trigger": {"total": 20}})
    life, problems = run_case("visit", tale, world.deployment(), store=STORE)
    assert problems == []
    return life


def test_simulated_mail_in_quiet_hours_waits_and_trace_says_so() -> None:
    steps = [branch("big", TOTAL, [send("hello")]), delay("2 hours"), send("again")]
    life = simulated(live(*steps))
    told = [(m.kind, m.step) for m in life.moments if m.step]
    assert told == [
        ("decides", "big"),
        ("deferred", "hello"),
        ("mails", "hello"),
        ("waits", "wait-2-hours"),
        ("mails", "again"),
    ]
    assert life.path == ("big", "hello", "wait-2-hours", "again")
    (waits,) = (m for m in life.moments if m.kind == "deferred")
    assert waits.text.startswith("quiet hours: waits until Tue 2026-11-03 08:0")
    assert waits.detail["reason"] == "quiet hours"
    went = next(m for m in life.moments if m.kind == "mails")
    assert went.detail["numbers"]["deferred"] == "quiet hours"
    assert (life.ends, life.reason) == ("completed", "")


def test_simulator_sends_mails_when_the_stack_does() -> None:
    answer = wait_for("answer", "Replied", "1 day", [send("thanks")], [send("nudge")])
    world = live(send("hello"), answer, days=5)
    life = simulated(world)
    assert [mail.step for mail in life.mails] == [step for step, _ in mails(world)]
    for mail, (_, at) in zip(life.mails, mails(world), strict=True):
        assert abs(mail.at - at) <= SOON
    assert life.ends == "completed"


def test_simulated_order_during_deferral_stops_the_mail() -> None:
    life = simulated(live(send("hello")), {"after": "3 hours", "event": "Ordered"})
    assert (life.mails, life.ends, life.reason) == ((), "exited", "exit on Ordered")


def test_trace_shows_the_counts_of_a_capped_mail() -> None:
    said = {"caps": {"per_day": 1}, "quiet_hours": {**NIGHT, "from": "23:00"}}
    life = simulated(live(send("hello"), send("more"), send("last", on_cap="defer"), said=said))
    told = [(m.kind, m.step, m.text) for m in life.moments if m.step]
    assert told[1] == ("no mail", "more", "skipped: cap per day, cap per day 1 of 1")
    assert [(kind, step) for kind, step, _ in told[2:]] == [("deferred", "last"), ("mails", "last")]
