"""A shop that uploads files of contacts, with the real services and `react`, in memory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from milepost.simulator.memory.files import MemoryFiles
from milepost.transfer.imports.import_loop import ImportLoop
from milepost.transfer.imports.importer import Importer
from milepost.transfer.imports.progress import Import
from milepost.transfer.imports.upload_handler import UploadHandler
from tests.fakes.transfers import (
    MemoryBulkContacts,
    MemoryContinuationQueue,
    MemoryImports,
    MemoryUploads,
)
from tests.support.builders import STORE, settings
from tests.support.faults import Killed
from tests.support.world import World

Json = dict[str, Any]

VISIBILITY = 1800
"""Seconds after which SQS delivers the message of a dead function again."""


def csv(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


@dataclass
class Patience:
    """Time for so many batches, and then none."""

    batches: float

    def __call__(self) -> bool:
        self.batches -= 1
        return self.batches >= 0


@dataclass
class Desk:
    """The environment of imports. `batches` is how many of them one call has time for."""

    world: World = field(default_factory=World)
    batches: float = float("inf")
    uploads: MemoryUploads = field(default_factory=MemoryUploads)
    imports: MemoryImports = field(default_factory=MemoryImports)
    queue: MemoryContinuationQueue = field(default_factory=MemoryContinuationQueue)
    files: MemoryFiles = field(default_factory=MemoryFiles)
    slept: float = 0.0
    reacts: bool = True
    calls: int = 0
    delivered: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if "settings.json" not in {path for _, path in self.world.files.texts}:
            self.world.publish({"settings.json": settings()})
        around = self.world.faults.around
        uploads, imports = around(self.uploads, "uploads"), around(self.imports, "imports")
        self.importer = Importer(
            intake=UploadHandler(uploads, imports, lambda: self.world.now, lambda: self.world.now),
            walker=ImportLoop(
                uploads=uploads,
                imports=imports,
                reports=around(self.files, "reports"),
                now=lambda: self.world.now,
                wire_now=lambda: self.world.now,
                seconds=lambda: self.slept,
                sleep=self._sleep,
            ),
            people=around(MemoryBulkContacts(self.world.state), "people"),
            registry=self.world.registry,
            requeue=around(self.queue, "queue"),
        )

    def _sleep(self, seconds: float) -> None:
        self.slept += seconds

    # --- actions of the shop ---

    def upload(self, path: str, content: str | bytes | Mapping[str, Any]) -> Import | None:
        """Put a file below `imports/` and process everything that follows."""
        text = json.dumps(content) if isinstance(content, Mapping) else content
        self.uploads.upload(STORE, f"imports/{path}", text)
        return self.notice(f"imports/{path}")

    def put(self, path: str, content: str | bytes | Mapping[str, Any]) -> None:
        """Put a file without its notification."""
        text = json.dumps(content) if isinstance(content, Mapping) else content
        self.uploads.upload(STORE, f"imports/{path}", text)

    def notice(self, path: str) -> Import | None:
        self._deliver({"store": STORE, "path": path})
        return self.last()

    def bring(
        self, content: str | bytes, name: str = "people", ending: str = "csv", **how: Any
    ) -> Import:
        """Import a file with these settings."""
        self.put(f"{name}.import.json", how)
        done = self.upload(f"{name}.{ending}", content)
        assert done is not None
        return done

    def take_back(self, done: Import) -> Import:
        self.upload(f"{done.id}.undo.json", "")
        return self.now(done)

    # --- actions of AWS ---

    def _deliver(self, message: Mapping[str, Any]) -> None:
        """Deliver a message until it succeeds, and then the messages that it sent."""
        waiting = [(message, 0)]
        while waiting:
            message, delay = waiting.pop(0)
            self.pass_time(delay + 1)
            for _ in range(5):
                try:
                    with self.world.faults.within("import", lambda: None):
                        self._call(message)
                    break
                except Killed:
                    self.pass_time(VISIBILITY)
            self.pass_time(1)
            waiting += self.queue.waiting
            self.queue.waiting.clear()

    def _call(self, message: Mapping[str, Any]) -> None:
        self.calls += 1
        self.delivered.append(message)
        self.call(message)

    def call(self, message: Mapping[str, Any]) -> None:
        """One call of the function, with a message of the queue."""
        time_left = Patience(self.batches)
        if "path" in message:
            self.importer.changed(message["store"], message["path"], time_left)
        else:
            self.importer.go_on(message["store"], message["import"], message["call_no"], time_left)

    def pass_time(self, seconds: float) -> None:
        """Let time pass; the stream delivers what was appended, unless it is blocked."""
        if self.reacts:
            self.world.run_for(seconds=seconds)
        else:
            self.world.clock.now += timedelta(seconds=seconds)

    # --- results ---

    def last(self) -> Import | None:
        held = list(self.imports.held.values())
        return held[-1] if held else None

    def now(self, done: Import) -> Import:
        return self.imports.held[done.store, done.id]

    def report(self, done: Import) -> Json:
        text = self.files.read(STORE, f"reports/imports.{done.id}.report.json")
        assert text is not None
        found: Json = json.loads(text)
        return found

    def errors(self, done: Import, number: int = 1) -> list[str]:
        text = self.files.read(STORE, f"reports/imports.{done.id}.errors-{number:04d}.csv") or ""
        return text.splitlines()[1:]

    @property
    def people(self) -> dict[str, Json]:
        """All contacts and their data, by address or another identifier."""
        if self.reacts:
            self.pass_time(1)
        return {
            str(p.email or p.get("external_id") or p.get("phone")): p.as_data()
            for p in self.world.state.profiles.values()
            if p.fields or p.totals
        }
