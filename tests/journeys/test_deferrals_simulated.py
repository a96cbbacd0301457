"""The simulator defers mails as the stack does, and its trace says why."""

from milepost.base import times
from milepost.simulator.file import CaseInput
from milepost.simulator.test_case import run_case
from milepost.simulator.trace import EnrollmentTrace
from tests.journeys.test_deferrals import AT_TEN, NIGHT, SOON, live, mails
from tests.support.builders import STORE, Json, branch, delay, send, wait_for
from tests.support.world import World

TOTAL = {"event": "total", "gte": 10}


def simulated(world: World, *events: Json) -> EnrollmentTrace:
    """Simulate the same visit."""
    contact = {"email": "ada@mail.example", "consents_to": ["offers"]}
    story = {"contact": contact, "start": times.format_instant(AT_TEN), "events": list(events)}
    case = CaseInput.model_validate({**story, "trigger": {"total": 20}})
    trace, problems = run_case("visit", case, world.deployment(), store=STORE)
    assert problems == []
    return trace


def test_simulated_mail_in_quiet_hours_waits_and_trace_says_so() -> None:
    steps = [branch("big", TOTAL, [send("hello")]), delay("2 hours"), send("again")]
    trace = simulated(live(*steps))
    entries = [(m.kind, m.step) for m in trace.moments if m.step]
    assert entries == [
        ("decides", "big"),
        ("deferred", "hello"),
        ("mails", "hello"),
        ("waits", "wait-2-hours"),
        ("mails", "again"),
    ]
    assert trace.path == ("big", "hello", "wait-2-hours", "again")
    (deferral,) = (m for m in trace.moments if m.kind == "deferred")
    assert deferral.text.startswith("quiet hours: waits until Tue 2026-11-03 08:0")
    assert deferral.detail["reason"] == "quiet hours"
    mailed = next(m for m in trace.moments if m.kind == "mails")
    assert mailed.detail["numbers"]["deferred"] == "quiet hours"
    assert (trace.ends, trace.reason) == ("completed", "")


def test_simulator_sends_mails_when_the_stack_does() -> None:
    answer = wait_for("answer", "Replied", "1 day", [send("thanks")], [send("nudge")])
    world = live(send("hello"), answer, days=5)
    trace = simulated(world)
    assert [mail.step for mail in trace.mails] == [step for step, _ in mails(world)]
    for mail, (_, at) in zip(trace.mails, mails(world), strict=True):
        assert abs(mail.at - at) <= SOON
    assert trace.ends == "completed"


def test_simulated_order_during_deferral_stops_the_mail() -> None:
    trace = simulated(live(send("hello")), {"after": "3 hours", "event": "Ordered"})
    assert (trace.mails, trace.ends, trace.reason) == ((), "exited", "exit on Ordered")


def test_trace_shows_the_counts_of_a_capped_mail() -> None:
    limits = {"caps": {"per_day": 1}, "quiet_hours": {**NIGHT, "from": "23:00"}}
    trace = simulated(
        live(send("hello"), send("more"), send("last", on_cap="defer"), store_settings=limits)
    )
    entries = [(m.kind, m.step, m.text) for m in trace.moments if m.step]
    assert entries[1] == ("no mail", "more", "skipped: cap per day, cap per day 1 of 1")
    assert [(kind, step) for kind, step, _ in entries[2:]] == [
        ("deferred", "last"),
        ("mails", "last"),
    ]
