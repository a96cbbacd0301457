"""A store export over several calls and with kills: every item once, and a correct report."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from milepost.base.errors import ThrottledError
from milepost.simulator.memory.files import MemoryFiles
from milepost.transfer.exports import exporter
from milepost.transfer.exports.exporter import MAX_WAITS, StoreExporter
from milepost.transfer.exports.progress import Export
from tests.fakes.transfers import (
    MemoryContinuationQueue,
    MemoryExports,
    MemoryStoreScan,
    MemoryUploads,
)
from tests.support.builders import STORE, settings
from tests.support.faults import Faults, Kill, Killed
from tests.support.imports import VISIBILITY, Patience
from tests.support.world import World

EXPORT_PATH = "exports/all.export.json"


@dataclass
class ExportRunner:
    """Runs exports. `looks` is how often a call can check its time before it must stop."""

    world: World = field(default_factory=World)
    looks: float = float("inf")
    calls: int = 0

    def __post_init__(self) -> None:
        around = self.world.faults.around
        self.uploads, self.files = MemoryUploads(), MemoryFiles()
        self.exports, self.queue = MemoryExports(), MemoryContinuationQueue()
        self.exporter = StoreExporter(
            everything=around(MemoryStoreScan(self.world.state, size=3), "everything"),
            exports=around(self.exports, "exports"),
            uploads=around(self.uploads, "uploads"),
            shelves=around(self.uploads, "shelves"),
            reports=around(self.files, "reports"),
            requeue=around(self.queue, "queue"),
            now=lambda: self.world.now,
            wire_now=lambda: self.world.now,
            seconds=lambda: float(self.calls),
        )

    def run(self, content: str = "") -> Export:
        self.uploads.upload(STORE, EXPORT_PATH, content)
        waiting: list[tuple[Mapping[str, Any], int]] = [({"store": STORE, "path": EXPORT_PATH}, 0)]
        while waiting:
            message, delay = waiting.pop(0)
            self.world.run_for(seconds=delay + 1)
            while True:
                try:
                    with self.world.faults.within("export", lambda: None):
                        self.call(message)
                    break
                except Killed:
                    self.world.run_for(seconds=VISIBILITY)
            waiting += self.queue.waiting
            self.queue.waiting.clear()
        (done,) = self.exports.held.values()
        return done

    def call(self, message: Mapping[str, Any]) -> None:
        self.calls += 1
        left = Patience(self.looks)
        if "path" in message:
            self.exporter.changed(message["store"], message["path"], left)
        else:
            self.exporter.go_on(message["store"], message["export"], message["call_no"], left)

    def report(self, done: Export) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.files.texts[STORE, f"reports/exports.{done.id}.report.json"]
        )
        return found

    def lines(self, done: Export, kind: str) -> list[Any]:
        """All lines of a kind, of the files that the report names."""
        return [
            json.loads(line)
            for path in self.report(done)["files"]
            if f"/{kind}-" in path
            for line in self.uploads.versions[STORE, path]["v1"].decode().splitlines()
        ]


def store_with_contacts(faults: Faults | None = None) -> World:
    world = World(faults=faults)
    world.publish({"settings.json": settings()})
    for number in range(14):
        world.event("Signed Up", email=f"p{number}@mail.example")
        world.consent(email=f"p{number}@mail.example")
    world.run_for(minutes=1)
    return world


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporter, "MAX_HELD", 4000)


def assert_complete(runner: ExportRunner, done: Export) -> None:
    contacts = Counter(line["contact"] for line in runner.lines(done, "contacts"))
    assert len(contacts) == 14
    assert set(contacts.values()) == {1}
    events = Counter((line["contact"], line["event"]) for line in runner.lines(done, "events"))
    assert len(events) == 28
    assert set(events.values()) == {1}
    report = runner.report(done)
    assert report["outcome"] == "finished"
    for kind, number in report["lines"].items():
        assert len(runner.lines(done, kind)) == number, kind


def test_export_writes_every_item_once_in_files_of_limited_size() -> None:
    runner = ExportRunner(store_with_contacts())
    done = runner.run()
    assert_complete(runner, done)
    assert runner.calls == 1
    assert done.parts["events"] > 1
    assert (
        max(len(v["v1"]) for (_, p), v in runner.uploads.versions.items() if "events-" in p) < 8000
    )


def test_export_continues_in_the_next_call_when_time_runs_out() -> None:
    runner = ExportRunner(store_with_contacts(), looks=1)
    assert_complete(runner, runner.run())
    assert runner.calls >= 5


def test_kill_at_any_call_changes_no_line_of_the_export() -> None:
    undisturbed = ExportRunner(store_with_contacts(), looks=2)
    expected = undisturbed.run()
    calls = [number for scope, number, _ in undisturbed.world.faults.calls if scope == "export"]
    assert len(calls) > 20
    for number in calls:
        for phase in ("before", "after"):
            faults = Faults(Kill("export", number, "before" if phase == "before" else "after"))
            runner = ExportRunner(store_with_contacts(faults), looks=2)
            done = runner.run()
            assert faults.struck
            assert_complete(runner, done)
            assert done.lines == expected.lines


def test_duplicate_message_continues_the_export_once() -> None:
    runner = ExportRunner(store_with_contacts(), looks=1)
    runner.uploads.upload(STORE, EXPORT_PATH, "")
    message = {"store": STORE, "path": EXPORT_PATH}
    runner.call(message)
    runner.call(message)
    (first,) = runner.queue.waiting
    runner.call(first[0])
    runner.call(first[0])
    assert len(runner.queue.waiting) == 2


def test_throttled_export_is_retried_and_raises_in_the_end() -> None:
    runner = ExportRunner(store_with_contacts())
    failures = [3]
    real = runner.exporter.everything.page

    class Throttled:
        def page(self, store: str, after: str) -> Any:
            failures[0] -= 1
            if failures[0] >= 0:
                raise ThrottledError("DynamoDB: throttled")
            return real(store, after)

    runner.exporter = replace(runner.exporter, everything=Throttled())
    assert_complete(runner, runner.run())
    assert runner.calls == 4
    failures[0] = 1000
    runner.uploads.upload(STORE, EXPORT_PATH, "")
    runner.exports.held.clear()
    with pytest.raises(ThrottledError, match=f"has come no further in {MAX_WAITS} tries"):
        runner.run()
