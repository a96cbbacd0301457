"""Publishes a store's files in memory with the real publisher."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from milepost.conditions.context import Condition
from milepost.enrollments.program import Program
from milepost.enrollments.trigger_types import trigger_index_entry
from milepost.published.head import LiveWorkflow, PublishedState
from milepost.publishing.publish import Publisher
from milepost.publishing.report import PublishReport
from milepost.publishing.workflows import WorkflowPublisher
from milepost.segments.segment import Segment, Segments
from milepost.simulator.functions import WIRING
from milepost.simulator.memory.files import MemoryFiles
from milepost.simulator.memory.published import MemoryPublished, MemoryPublishedWriter, MemoryStore
from milepost.simulator.memory.state_machines import Definition, MemoryStateMachines
from milepost.simulator.test_case import STORE
from milepost.simulator.world import Deployment
from milepost.stores.settings import StoreSettings
from milepost.templates.version import TemplateVersion
from milepost.workflows.compiler.state_machine import state_machine

SegmentConditions = Mapping[str, tuple[Segment, Condition]]
"""Live segments with their conditions."""


class BorrowedTemplates(MemoryPublishedWriter):
    """A writer for a store of which only the current files are known.

    A step can be pinned to an earlier version of a template, which is unknown here. The current
    folder is used in its place, under the name of that version.
    """

    def template(self, store: str, name: str, version: str) -> TemplateVersion:
        kept, live = self.shelf.templates, self.head(store).templates
        if name in live:
            kept.setdefault((store, name, version), kept[store, name, live[name]])
        return kept[store, name, version]


@dataclass(frozen=True, slots=True)
class LocalStore:
    """The result of publishing the files: the newest report of each, and what is live."""

    reports: Mapping[str, PublishReport]
    shelf: MemoryStore
    machines: MemoryStateMachines

    def program(self, workflow: str) -> Program:
        """The compiled workflow; LookupError if it was refused."""
        return self.shelf.program(STORE, workflow, self._live(workflow).version)

    def machine(self, workflow: str) -> Definition:
        """Its state machine; LookupError if it was refused."""
        return self.machines.versions[self._live(workflow).machine]

    def is_known(self, template: str, version: str) -> bool:
        """Whether this is the version of the template's current folder, and not a substitute."""
        stored = self.shelf.templates.get((STORE, template, version))
        return stored is not None and stored.hash == version

    def alone(self, workflow: str) -> Deployment:
        """The store with this one workflow live, whatever its status; LookupError if refused."""
        live = self._live(workflow)
        head = self.shelf.head(STORE)
        others = {name: each._replace(status="draft") for name, each in head.workflows.items()}
        workflows: dict[str, LiveWorkflow] = {**others, workflow: live._replace(status="live")}
        head = head._replace(workflows=workflows, settings=head.settings._replace(paused=False))
        registry = MemoryPublished(replace(self.shelf, heads={STORE: head}))
        return Deployment(registry, self.machines.versions)

    def _live(self, workflow: str) -> LiveWorkflow:
        live = self.shelf.head(STORE).workflows.get(workflow)
        if live is None:
            raise LookupError(f"workflow {workflow} was not published")
        return live


def open_shop(files: Mapping[str, str], now: datetime) -> LocalStore:
    """Publish all files of a store, by their paths in the bucket."""
    texts = {(STORE, path): text for path, text in files.items()}
    shelf, machines = MemoryStore(), MemoryStateMachines()
    store, publications = MemoryFiles(texts), BorrowedTemplates(shelf)
    workflows = WorkflowPublisher(
        files=store, publications=publications, machines=machines, wiring=WIRING
    )
    publisher = Publisher(store, publications, workflows, lambda: now)
    reports = publisher.publish(STORE, sorted(files))
    return LocalStore({report.file: report for report in reports}, shelf, machines)


def deploy(
    program: Program,
    settings: StoreSettings,
    templates: Iterable[TemplateVersion],
    segments: SegmentConditions | None = None,
) -> Deployment:
    """A store with one compiled workflow, for the publish gate.

    Its two state machines are those that are published with it. Only the function names differ,
    and the speed of the clock in a stack for tests. The last of several versions of a template is
    the live one.
    """
    name, version, machines = program.workflow, program.version, MemoryStateMachines()
    resume = machines.publish(STORE, name, state_machine(program, WIRING, resume=True))
    arn = machines.publish(STORE, name, state_machine(program, WIRING))
    kept = {(STORE, template.name, template.hash): template for template in templates}
    conditions = segments or {}
    head = PublishedState(
        settings._replace(paused=False),
        {name: LiveWorkflow(version, arn, "live", trigger=trigger_index_entry(program))},
        {template.name: template.hash for template in kept.values()},
        segments=Segments((name, segment) for name, (segment, _) in conditions.items()),
    )
    shelf = MemoryStore(
        heads={STORE: head},
        programs={(STORE, name, version): (program, "")},
        templates=kept,
        resumes={(STORE, name, version): resume},
        segments={
            (STORE, name, each.version): condition for name, (each, condition) in conditions.items()
        },
    )
    return Deployment(MemoryPublished(shelf), machines.versions)
