"""Published state in memory: reader, writer and jobs share a `MemoryStore`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import TYPE_CHECKING, Any

from milepost.conditions.context import Condition
from milepost.enrollments.pauses import Pause
from milepost.enrollments.program import Program
from milepost.published.head import PublishedState
from milepost.segments.scoring import Scoring
from milepost.segments.segment import Segment, Segments
from milepost.stores.settings import StoreSettings
from milepost.templates.rendering import Renderer

if TYPE_CHECKING:
    from milepost.published.head import LiveWorkflow
    from milepost.runtime.jobs import Job
    from milepost.templates.version import TemplateVersion


@dataclass(slots=True)
class MemoryStore:
    """The content of the workflows table: heads, which change, and versions, which never change."""

    lock: RLock = field(default_factory=RLock)
    heads: dict[str, PublishedState] = field(default_factory=dict)
    programs: dict[tuple[str, str, int], tuple[Program, str]] = field(default_factory=dict)
    templates: dict[tuple[str, str, str], "TemplateVersion"] = field(default_factory=dict)
    refused: dict[str, set[str]] = field(default_factory=dict)
    works: dict[tuple[str, str, str], "Job"] = field(default_factory=dict)
    resumes: dict[tuple[str, str, int], str] = field(default_factory=dict)
    segments: dict[tuple[str, str, int], Condition] = field(default_factory=dict)

    def head(self, store: str) -> PublishedState:
        return self.heads.get(store) or PublishedState(StoreSettings(), {}, {})

    def program(self, store: str, workflow: str, version: int) -> Program:
        if (store, workflow, version) not in self.programs:
            raise LookupError(f"workflow {workflow} version {version} is not published")
        return self.programs[store, workflow, version][0]

    def template(self, store: str, name: str, version: str) -> "TemplateVersion":
        if (store, name, version) not in self.templates:
            raise LookupError(f"template {name} version {version} is not published")
        return self.templates[store, name, version]

    def segment(self, store: str, name: str, version: int) -> Condition:
        if (store, name, version) not in self.segments:
            raise LookupError(f"segment {name} version {version} is not published")
        return self.segments[store, name, version]


@dataclass(frozen=True, slots=True)
class MemoryPublished:
    """Implements `Published` without a cache."""

    shelf: MemoryStore
    _renderers: dict[tuple[str, str, str], Renderer] = field(default_factory=dict)

    def head(self, store: str, anew: bool = False) -> PublishedState:
        return self.shelf.head(store)

    def program(self, store: str, workflow: str, version: int) -> Program:
        return self.shelf.program(store, workflow, version)

    def template(self, store: str, name: str, version: str) -> Renderer:
        key = (store, name, version)
        if key not in self._renderers:
            self._renderers[key] = Renderer(self.shelf.template(*key))
        return self._renderers[key]

    def resume_state_machine(self, store: str, workflow: str, version: int) -> str:
        key = (store, workflow, version)
        if key not in self.shelf.resumes:
            raise LookupError(f"workflow {workflow} version {version} has no later executions")
        return self.shelf.resumes[key]

    def segment(self, store: str, name: str, version: int) -> Condition:
        return self.shelf.segment(store, name, version)


@dataclass(frozen=True, slots=True)
class MemoryPublishedWriter:
    """Implements `PublishedWriter`."""

    shelf: MemoryStore

    def head(self, store: str) -> PublishedState:
        return self.shelf.head(store)

    def program(self, store: str, workflow: str, version: int) -> Program:
        return self.shelf.program(store, workflow, version)

    def template(self, store: str, name: str, version: str) -> "TemplateVersion":
        return self.shelf.template(store, name, version)

    def source(self, store: str, workflow: str, version: int) -> str:
        return self.shelf.programs.get((store, workflow, version), (None, ""))[1]

    def save_program(self, store: str, program: Program, source: str) -> bool:
        key = (store, program.workflow, program.version)
        return self.shelf.programs.setdefault(key, (program, source))[1] == source

    def keep_resume(self, store: str, workflow: str, version: int, machine: str) -> None:
        self.shelf.resumes[store, workflow, version] = machine

    def keep_template(self, store: str, template: "TemplateVersion") -> None:
        self.shelf.templates[store, template.name, template.hash] = template

    def go_live(self, store: str, workflow: str, live: "LiveWorkflow", after: int) -> bool:
        with self.shelf.lock:
            head = self.head(store)
            stored = head.workflows.get(workflow)
            if (stored.version if stored else 0) != after:
                return False
            self.shelf.heads[store] = head._replace(workflows={**head.workflows, workflow: live})
        return True

    def show_template(self, store: str, name: str, version: str) -> None:
        with self.shelf.lock:
            head = self.head(store)
            self.shelf.heads[store] = head._replace(templates={**head.templates, name: version})

    def hide_template(self, store: str, name: str) -> None:
        with self.shelf.lock:
            head = self.head(store)
            left = {other: version for other, version in head.templates.items() if other != name}
            self.shelf.heads[store] = head._replace(templates=left)

    def apply_settings(
        self, store: str, settings: Mapping[str, Any], pauses: Sequence[Pause] = ()
    ) -> None:
        with self.shelf.lock:
            head, applied = self.head(store), StoreSettings.from_json(settings)
            kept = tuple(pauses)
            self.shelf.heads[store] = head._replace(settings=applied, pauses=kept)

    def segment(self, store: str, name: str, version: int) -> Condition:
        return self.shelf.segment(store, name, version)

    def keep_segment(self, store: str, name: str, version: int, condition: Condition) -> bool:
        return self.shelf.segments.setdefault((store, name, version), condition) == condition

    def show_segment(self, store: str, name: str, segment: Segment, after: int) -> bool:
        with self.shelf.lock:
            head = self.head(store)
            stored = head.segments.get(name)
            if (stored.version if stored else 0) != after:
                return False
            segments = Segments({**head.segments, name: segment})
            self.shelf.heads[store] = head._replace(segments=segments)
        return True

    def apply_scoring(self, store: str, scoring: Mapping[str, Any] | None) -> None:
        with self.shelf.lock:
            applied = None if scoring is None else Scoring.from_json(scoring)
            self.shelf.heads[store] = self.head(store)._replace(scoring=applied)

    def enqueue(self, work: "Job") -> None:
        self.shelf.works[work.kind, work.store, work.workflow] = work

    def record_refusal(self, store: str, path: str, refused: bool) -> None:
        paths = self.shelf.refused.setdefault(store, set())
        if refused:
            paths.add(path)
        else:
            paths.discard(path)

    def all_refused(self, store: str) -> list[str]:
        return sorted(self.shelf.refused.get(store, ()))


@dataclass(frozen=True, slots=True)
class MemoryJobs:
    """Implements `JobStore`."""

    shelf: MemoryStore

    def open(self) -> list["Job"]:
        return [work for _, work in sorted(self.shelf.works.items())]

    def advance(self, work: "Job", done: str) -> None:
        key = (work.kind, work.store, work.workflow)
        with self.shelf.lock:
            stored = self.shelf.works.get(key)
            if stored is not None and stored.at == work.at:
                self.shelf.works[key] = stored._replace(done=done)

    def reopen(self, work: "Job", at: datetime) -> None:
        key = (work.kind, work.store, work.workflow)
        with self.shelf.lock:
            stored = self.shelf.works.get(key)
            if stored is not None and stored.at == work.at:
                self.shelf.works[key] = stored._replace(at=at, done="")

    def close(self, work: "Job") -> None:
        key = (work.kind, work.store, work.workflow)
        with self.shelf.lock:
            stored = self.shelf.works.get(key)
            if stored is not None and stored.at == work.at:
                del self.shelf.works[key]
