"""Broadcasts: every member of the segment gets the mail once, whatever happens meanwhile."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from milepost.base import times
from milepost.contacts.ports import Group, Member, MemberPage
from milepost.runtime.broadcasts import Broadcaster
from tests.support.builders import MONDAY_NOON, STORE, Content, Json, contact, send, shop, workflow
from tests.support.faults import Faults
from tests.support.world import World

THURSDAY = {"type": "schedule", "rrule": "FREQ=WEEKLY;BYDAY=TH;BYHOUR=11", "segment": "readers"}
ALWAYS: Json = {"reentry": {"allow": "always"}}
REPORT = "reports/workflows.news.broadcast.json"


def files(news: Json) -> dict[str, Content]:
    """A shop with a broadcast and its segment."""
    readers = {"title": "Readers", "static": True}
    return {**shop(news=news), "segments/readers.json": readers}


@dataclass
class FixedMembers:
    """Implements `Members` for one segment with members that the test sets."""

    names: list[str] = field(default_factory=list)

    def page(
        self, store: str, group: Group, name: str, after: str = "", most: int = 100
    ) -> MemberPage:
        assert (store, group, name) == (STORE, "segment", "readers")
        rest = [each for each in sorted(self.names) if each > after]
        page = [Member(each, "-") for each in rest[:most]]
        return MemberPage(page, page[-1].contact if len(rest) > most else "")

    def count(self, store: str, group: Group, name: str) -> int:
        return len(self.names)


class NewsletterShop:
    """A shop with one newsletter and some recipients who consented."""

    def __init__(self, trigger: Json = THURSDAY, recipients: int = 5, **more: Any) -> None:
        self.faults: Faults = more.pop("faults", None) or Faults()
        self.world = World(faults=self.faults)
        self.members = FixedMembers()
        for number in range(recipients):
            self.world.consent(email=f"{number}@mail.example")
            self.members.names.append(contact(f"{number}@mail.example"))
        self.world.run_for(minutes=1)
        self.edit(trigger, **{**ALWAYS, **more})
        around = self.faults.around
        self.most = 100
        self.broadcaster = Broadcaster(
            around(self.members, "members"),
            self.world.timeline,
            self.world.registry,
            around(self.world.works, "works"),
            around(self.world.files, "files"),
            lambda: self.world.now,
            self.most,
        )

    def edit(self, trigger: Json = THURSDAY, **more: Any) -> None:
        document = workflow(send("mail"), trigger=trigger, **more)
        self.world.publish(files(document))

    def run_for(self, **duration: float) -> None:
        """Let time pass and run the broadcaster every 15 minutes."""
        end = self.world.now + timedelta(**duration)
        while self.world.now < end:
            self.world.run_for(minutes=15)
            self.run_broadcaster()

    def run_broadcaster(self) -> None:
        for _ in range(5):
            try:
                with self.faults.within("trigger_date", lambda: None):
                    self.broadcaster.advance()
                break
            except BaseException as killed:
                if type(killed).__name__ != "Killed":
                    raise
        self.world.pass_on()

    def mailed(self) -> list[tuple[str, str]]:
        """The hour and the recipient of every mail."""
        return sorted(
            (times.format_instant(at)[:13], mail.to.partition("@")[0])
            for at, mail in self.world.posted
        )

    def report(self) -> Json:
        report: Json = json.loads(self.world.files.read(STORE, REPORT) or "{}")
        return report


def all_at(*hours: str, recipients: int = 5) -> list[tuple[str, str]]:
    return [(hour, str(number)) for hour in hours for number in range(recipients)]


def test_weekly_broadcast_reaches_every_segment_member_each_week() -> None:
    newsletter = NewsletterShop()
    newsletter.run_for(days=11)
    assert newsletter.mailed() == all_at("2026-11-05T11", "2026-11-12T11")
    assert newsletter.report() == {
        "workflow": "news",
        "segment": "readers",
        "planned": "2026-11-12T11:00:00.000Z",
        "state": "finished",
        "sent": 5,
        "of": 5,
        "percent": 100.0,
        "at": "2026-11-12T11:01:00.000Z",
        "next": "2026-11-19T11:00:00.000Z",
    }


def test_one_time_broadcast_runs_once_in_store_time_zone() -> None:
    newsletter = NewsletterShop(
        {"type": "schedule", "at": "2026-11-05T11:00", "segment": "readers"}
    )
    newsletter.run_for(days=11)
    assert newsletter.mailed() == all_at("2026-11-05T11")
    assert newsletter.report()["next"] is None
    assert newsletter.world.works.open() == []


def test_large_segment_is_sent_in_parts_and_report_shows_progress() -> None:
    newsletter = NewsletterShop(recipients=9)
    newsletter.broadcaster = Broadcaster(
        newsletter.members,
        newsletter.world.timeline,
        newsletter.world.registry,
        newsletter.world.works,
        newsletter.world.files,
        lambda: newsletter.world.now,
        4,
    )
    newsletter.world.run_until(MONDAY_NOON + timedelta(days=2, hours=23))
    reports = []
    for _ in range(3):
        newsletter.run_broadcaster()
        reports.append(
            (
                newsletter.report()["state"],
                newsletter.report()["sent"],
                newsletter.report()["percent"],
            )
        )
        newsletter.world.run_for(minutes=1)
    assert reports == [("running", 4, 44.4), ("running", 8, 88.9), ("finished", 9, 100.0)]
    assert [name for _, name in newsletter.mailed()] == [str(n) for n in range(9)]


def test_broadcast_that_takes_days_still_reaches_the_last_member() -> None:
    newsletter = NewsletterShop()
    newsletter.broadcaster = Broadcaster(
        newsletter.members,
        newsletter.world.timeline,
        newsletter.world.registry,
        newsletter.world.works,
        newsletter.world.files,
        lambda: newsletter.world.now,
        1,
    )
    newsletter.world.run_until(MONDAY_NOON + timedelta(days=2, hours=23))
    for _ in range(5):
        newsletter.run_broadcaster()
        newsletter.world.run_for(hours=20)
    assert sorted(name for _, name in newsletter.mailed()) == ["0", "1", "2", "3", "4"]


def test_large_segment_does_not_delay_another_broadcast() -> None:
    newsletter = NewsletterShop(recipients=9)
    document = workflow(send("mail"), trigger=THURSDAY, **ALWAYS)
    newsletter.world.publish({"workflows/a-second.json": document})
    newsletter.broadcaster = Broadcaster(
        newsletter.members,
        newsletter.world.timeline,
        newsletter.world.registry,
        newsletter.world.works,
        newsletter.world.files,
        lambda: newsletter.world.now,
        4,
    )
    newsletter.world.run_until(MONDAY_NOON + timedelta(days=2, hours=23))
    newsletter.run_broadcaster()
    reports = [
        json.loads(
            newsletter.world.files.read(STORE, f"reports/workflows.{name}.broadcast.json") or ""
        )
        for name in ("news", "a-second")
    ]
    assert [report["sent"] for report in reports] == [2, 2]


@pytest.mark.no_cover
def test_kill_at_any_call_sends_broadcast_to_each_member_once() -> None:
    def run(faults: Faults) -> NewsletterShop:
        newsletter = NewsletterShop(faults=faults)
        newsletter.world.run_until(MONDAY_NOON + timedelta(days=2, hours=22))
        newsletter.run_for(hours=3)
        return newsletter

    undisturbed = run(Faults())
    expected = undisturbed.mailed()
    assert len(expected) == 5
    for kill, place in undisturbed.faults.kills("trigger_date"):
        newsletter = run(Faults(kill))
        assert newsletter.faults.struck == [place]
        assert newsletter.mailed() == expected


def test_broadcast_published_paused_runs_once_live() -> None:
    newsletter = NewsletterShop(status="paused")
    newsletter.run_for(days=1)
    newsletter.edit(THURSDAY, **ALWAYS)
    newsletter.run_for(days=4)
    assert newsletter.mailed() == all_at("2026-11-05T11")


def test_edit_of_a_later_step_keeps_the_next_broadcast() -> None:
    newsletter = NewsletterShop()
    newsletter.run_for(days=1)
    document = workflow(send("mail"), send("more"), trigger=THURSDAY, **ALWAYS)
    newsletter.world.publish(files(document))
    newsletter.run_for(days=4)
    assert {hour for hour, _ in newsletter.mailed()} == {"2026-11-05T11"}
    assert len(newsletter.mailed()) == 10


def test_changed_schedule_replaces_the_next_broadcast() -> None:
    newsletter = NewsletterShop()
    newsletter.edit({**THURSDAY, "rrule": "FREQ=WEEKLY;BYDAY=FR;BYHOUR=10"}, **ALWAYS)
    newsletter.run_for(days=5)
    assert newsletter.mailed() == all_at("2026-11-06T10")


def test_deleted_workflow_sends_no_broadcast() -> None:
    newsletter = NewsletterShop()
    newsletter.world.remove("workflows/news.json")
    newsletter.run_for(days=5)
    assert newsletter.mailed() == []
    assert newsletter.world.works.open() == []


def test_paused_broadcast_is_sent_late_but_not_a_day_late() -> None:
    newsletter = NewsletterShop()
    newsletter.edit(status="paused", **ALWAYS)
    newsletter.run_for(days=3)
    newsletter.edit(**ALWAYS)
    newsletter.run_for(hours=2)
    assert {hour for hour, _ in newsletter.mailed()} == {"2026-11-05T12"}
    newsletter.edit(status="paused", **ALWAYS)
    newsletter.run_for(days=9)
    newsletter.edit(**ALWAYS)
    newsletter.run_for(days=5)
    assert {hour for hour, _ in newsletter.mailed()} == {"2026-11-05T12", "2026-11-19T11"}


@pytest.mark.parametrize(
    ("trigger", "more", "place"),
    [
        ({"at": "2026-11-01T09:00"}, {}, "trigger.at"),
        ({"rrule": "FREQ=DAILY;UNTIL=20251231"}, ALWAYS, "trigger.rrule"),
        ({"rrule": "FREQ=DAILY"}, {}, "reentry"),
    ],
)
def test_schedule_that_would_reach_no_contact_is_refused(
    trigger: Json, more: Json, place: str
) -> None:
    world = World()
    document = workflow(
        send("mail"), trigger={"type": "schedule", "segment": "readers", **trigger}, **more
    )
    for path, content in files(document).items():
        world.files.write(STORE, path, content if isinstance(content, str) else json.dumps(content))
    report = world.publisher.publish(STORE, [*files(document)])[-1]
    assert report.outcome == "refused"
    assert [problem.location for problem in report.problems] == [place]
    assert all(problem.remedy for problem in report.problems)
