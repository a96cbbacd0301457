"""Publishes a workflow: checks, compiles, tests, versions, activates and explains it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from hashlib import sha256
from json import dumps, loads
from typing import TYPE_CHECKING, Any, assert_never

from milepost.base.errors import ThrottledError
from milepost.base.names import WORKFLOW_LENGTH, is_workflow
from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.base.recurrence import next_occurrence
from milepost.conditions.context import Condition
from milepost.enrollments.pauses import with_pause_state
from milepost.enrollments.program import Program, templates_of
from milepost.enrollments.trigger_types import scope_of, trigger_index_entry
from milepost.enrollments.version_migration import check_migration, on_publish
from milepost.published.head import LiveWorkflow
from milepost.publishing.report import PublishResult, rejected
from milepost.publishing.usage import answers_opt_in, double_opt_in, live_programs
from milepost.runtime.broadcasts import zone_of
from milepost.runtime.jobs import Job
from milepost.segments.segment import Segment
from milepost.stores.settings import StoreSettings
from milepost.templates.version import TemplateVersion
from milepost.workflows.compiler.check_conditions import check_conditions, check_types
from milepost.workflows.compiler.check_references import (
    PublishContext,
    check_attachments,
    check_confirmation,
    check_references,
)
from milepost.workflows.compiler.check_steps import build_program, check_available, check_flow
from milepost.workflows.compiler.partial_parse import parse_partially
from milepost.workflows.compiler.scenarios import DEFAULT_PRICES, Prices
from milepost.workflows.compiler.state_machine import (
    MachineConfig,
    state_machine,
    with_suspend_limit,
)
from milepost.workflows.explain.explanation import explain
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.trigger_type import GoingLive
from milepost.workflows.triggers import type_of_trigger

if TYPE_CHECKING:
    from milepost.published.head import PublishedState
    from milepost.publishing.ports import PublishedWriter, StateMachines
    from milepost.stores.files import StoreFiles


COMPILER = "3"
"""The compiler's version. Raise it when its output changes; every file then gets a new version."""

MAX_STATES = 1_000_000
"""Characters of a definition. The quota of Step Functions is 1 MB."""

MAX_PROGRAM = 350_000
"""Characters of a compiled workflow. It is one DynamoDB item, which can have 400 KB."""

Trials = Callable[
    [
        Program,
        StoreSettings,
        Iterable[TemplateVersion],
        str,
        Mapping[str, tuple[Segment, Condition]],
    ],
    list[Problem],
]
"""Runs the tests of a workflow that is not live yet (`simulator/workflow_tests.py`)."""


@dataclass(frozen=True, slots=True)
class WorkflowPublisher:
    """Publishes workflows.

    `name_room` is the length that a state machine's name can have after the stack's name. `trials`
    is None where tests are run elsewhere. `alerts` says whether the stack can alert staff.
    """

    files: "StoreFiles"
    publications: "PublishedWriter"
    machines: "StateMachines"
    wiring: MachineConfig
    name_room: int = 60
    prices: Prices = DEFAULT_PRICES
    alerts: bool = True
    trials: Trials | None = None

    def publish(self, store: str, name: str, now: datetime) -> PublishResult:
        """Publish a workflow's file. The live version stays if the file has a mistake."""
        head = self.publications.head(store)
        live = head.workflows.get(name)
        text = self.files.read(store, f"workflows/{name}.json")
        if text is None:
            if problems := [*self._still_needed(store, name, head, None)]:
                return rejected(problems)
            return self._archive(store, name, live, now)
        workflow = parse_file(text, Workflow)
        problems = [*self._named(store, name)]
        if isinstance(workflow, list):
            problems += workflow
            if partial := parse_partially(text):
                found = self._checked(store, name, head, partial.workflow)
                problems += partial.about_the_rest(found)
            return rejected(problems)
        if problems := [*problems, *self._checked(store, name, head, workflow)]:
            return rejected(problems)
        version = (live.version if live else 0) + 1
        program = with_suspend_limit(build_program(name, version, workflow), self.wiring)
        migrates = on_publish(program) == "migrate"
        older = [*self._older(store, name, version)] if migrates else []
        can_reenter = workflow.reentry.allow != "never"
        going_live = GoingLive(now, head.settings.timezone, can_reenter)
        check_live = type_of_trigger(workflow.trigger).check_live
        found = [
            *self._sizes(program),
            *check_migration(program, older),
            *(
                ()
                if _keeps_trigger(live, trigger_index_entry(program))
                else check_live(workflow.trigger, going_live)
            ),
        ]
        if problems := [*found, *self._tried(store, head, program)]:
            return rejected(problems)
        return self._go_live(store, workflow, program, live, text, now)

    def _checked(
        self, store: str, name: str, head: "PublishedState", workflow: Workflow
    ) -> list[Problem]:
        context = self._context(store, name, head)
        return [
            *check_available(workflow),
            *check_flow(workflow),
            *check_conditions(workflow),
            *check_types(workflow),
            *check_attachments(workflow),
            *check_references(workflow, context),
            *check_confirmation(workflow, context),
            *self._still_needed(store, name, head, workflow),
        ]

    def _still_needed(
        self, store: str, name: str, head: "PublishedState", workflow: Workflow | None
    ) -> Iterator[Problem]:
        """Report the loss of the only workflow that sends the confirmation e-mail of a form."""
        forms = double_opt_in(head.settings)
        live = head.workflows.get(name)
        if not forms or live is None or (workflow and _answers(workflow)):
            return
        by_name = {p.workflow: p for p in live_programs(self.publications, store, head)}
        senders = [
            other
            for other, program in by_name.items()
            if answers_opt_in(program.options["trigger"], head.workflows[other].status)
        ]
        if senders == [name]:
            reason = f"the form {forms[0]} needs it: it mails those who have to confirm"
            yield Problem("file", reason, 'write "double_opt_in": false in settings.json first')

    def _archive(
        self, store: str, name: str, live: LiveWorkflow | None, now: datetime
    ) -> PublishResult:
        if live is None or live.status == "archived":
            return PublishResult("archived", note="nothing was live")
        archived = live._replace(status="archived")
        if not self._switch(store, name, live, archived, now):
            raise ThrottledError(f"workflows/{name}.json was published at the same moment")
        return PublishResult(
            "archived",
            note="no contact enters any more; active enrollments finish on their version",
        )

    def _switch(
        self, store: str, name: str, before: LiveWorkflow | None, live: LiveWorkflow, now: datetime
    ) -> bool:
        """Activate another version or status; False if `before` is no longer live.

        The end of a pause queues a job that resumes the paused enrollments.
        """
        pauses = with_pause_state(before.pauses if before else (), live.status == "paused", now)
        if before and pauses != before.pauses and live.status != "paused":
            self.publications.enqueue(Job("resume", store, name, now))
        if live.status in ("live", "paused") and not _keeps_trigger(before, live.trigger):
            self._schedule(store, name, live, now)
        version = before.version if before else 0
        return self.publications.go_live(store, name, live._replace(pauses=pauses), version)

    def _schedule(self, store: str, name: str, live: LiveWorkflow, now: datetime) -> None:
        """Queue the job of a time trigger or a schedule. The job uses what is live when it runs."""
        match scope_of(live.trigger):
            case "contact_clock":
                # Contacts without new events have no next check for this trigger yet.
                self.publications.enqueue(Job("backfill", store, f"workflow/{name}", now))
            case "store_clock":
                head = self.publications.head(store)
                at = next_occurrence(live.trigger, now, zone_of(live.trigger, head))
                if at is not None:
                    self.publications.enqueue(Job("broadcast", store, name, at))
            case "event":
                pass
            case _ as scope:
                assert_never(scope)

    def _go_live(
        self,
        store: str,
        workflow: Workflow,
        program: Program,
        live: LiveWorkflow | None,
        text: str,
        now: datetime,
    ) -> PublishResult:
        name, status = program.workflow, workflow.status
        source = _source(text)
        before = self._source_of(store, name, live)
        if live and self.publications.source(store, name, live.version) == source:
            same = replace(program, version=live.version)
            if live.status == status:
                before = self._source_of(store, name, live._replace(version=live.version - 1))
                return self._published(workflow, same, before)._replace(outcome="unchanged")
            if self._switch(store, name, live, live._replace(status=status), now):
                return self._published(workflow, same, before)
            raise ThrottledError(f"workflows/{name}.json was published at the same moment")
        program = self._save(store, program, source)
        self.files.write(store, path_of_version(name, program.version), text)
        resume = self.machines.publish(
            store, name, state_machine(program, self.wiring, resume=True)
        )
        self.publications.keep_resume(store, name, program.version, resume)
        arn = self.machines.publish(store, name, state_machine(program, self.wiring))
        fresh = LiveWorkflow(program.version, arn, status, trigger=trigger_index_entry(program))
        match on_publish(program):
            case "cancel" | "migrate" as kind if live:
                self.publications.enqueue(Job(kind, store, name, now, program.version))
        if not self._switch(store, name, live, fresh, now):
            raise ThrottledError(f"workflows/{name}.json was published at the same moment")
        return self._published(workflow, program, before)

    def _older(self, store: str, name: str, version: int) -> Iterator[Program]:
        """The earlier versions that can have active enrollments, newest first."""
        for number in range(version - 1, 0, -1):
            with suppress(LookupError):
                program = self.publications.program(store, name, number)
                yield program
                if on_publish(program) != "drain":
                    return  # older versions have no active enrollments

    def _save(self, store: str, program: Program, source: str) -> Program:
        """Store the program under the first free version number, even if never activated."""
        while not self.publications.save_program(store, program, source):
            program = replace(program, version=program.version + 1)
        return program

    def _published(
        self, workflow: Workflow, program: Program, before: Workflow | None
    ) -> PublishResult:
        explanation = explain(workflow, program, before, self.prices)
        return PublishResult("published", str(program.version), explanation=explanation)

    def _source_of(self, store: str, name: str, live: LiveWorkflow | None) -> Workflow | None:
        """The source of the live workflow with its current status; None if the source is gone."""
        if live is None:
            return None
        text = self.files.read(store, path_of_version(name, live.version))
        workflow = parse_file(text, Workflow) if text else None
        if not isinstance(workflow, Workflow):
            return None
        status = workflow.status if live.status == "archived" else live.status
        return workflow.model_copy(update={"status": status})

    def _named(self, store: str, name: str) -> Iterator[Problem]:
        room = self.name_room - len(store) - 1
        if not is_workflow(name):
            remedy = f"lower-case letters, digits and hyphens, {WORKFLOW_LENGTH} at most"
            yield Problem("file name", f'"{name}" cannot be a workflow\'s name', remedy)
        elif len(name) > room:
            remedy = f"use {room} characters at most: a state machine's name has 80 in all"
            yield Problem("file name", f'"{name}" is too long for this stack', remedy)

    def _context(self, store: str, name: str, head: "PublishedState") -> PublishContext:
        published = live_programs(self.publications, store, head)
        uploaded = self.files.paths(store, "workflows")
        return PublishContext(
            topics=head.settings.topics or {},
            templates=head.templates,
            programs={p.workflow: p for p in published if p.workflow != name},
            files=frozenset(path.rpartition("/")[2].removesuffix(".json") for path in uploaded),
            beside=cache(lambda other: self._uploaded(store, other)),
            template=cache(lambda *used: self._template(store, head, *used)),
            alerts=self.alerts,
            forms=frozenset(head.settings.forms or ()),
            segments=head.segments,
            senders=frozenset(head.settings.senders or ()),
        )

    def _uploaded(self, store: str, name: str) -> Workflow | None:
        """Another workflow as uploaded, which can be newer than the published version."""
        text = self.files.read(store, f"workflows/{name}.json")
        workflow = parse_file(text, Workflow) if text else None
        return workflow if isinstance(workflow, Workflow) else None

    def _template(
        self, store: str, head: "PublishedState", name: str, version: str | None
    ) -> TemplateVersion | None:
        """The requested version, or the live one if None; None if it was never stored."""
        if version is None:
            return self.publications.template(store, name, head.templates[name])
        with suppress(LookupError):
            return self.publications.template(store, name, version)
        return None

    def _sizes(self, program: Program) -> Iterator[Problem]:
        sizes = (
            (
                _length(state_machine(program, self.wiring, resume=True)),
                MAX_STATES,
                "state machine",
            ),
            (_length(program.to_json()), MAX_PROGRAM, "compiled workflow"),
        )
        for size, most, what in sizes:
            if size > most:
                reason = f"has too many steps: its {what} has {size:,} characters of {most:,}"
                remedy = "split it in two, and have the first start the second (start_workflow)"
                yield Problem("steps", reason, remedy)

    def _tried(self, store: str, head: "PublishedState", program: Program) -> list[Problem]:
        """Run the workflow's own tests, if it has any."""
        tests = path_of_tests(program.workflow)
        text = self.files.read(store, tests) if self.trials else None
        if text is None or self.trials is None:
            return []
        used = {each for node in program.nodes.values() for each in templates_of(node)}
        versions = {(name, version or head.templates[name]) for name, version in used}
        live = {(name, head.templates[name]) for name, _ in used}
        wanted = [*sorted(versions - live), *sorted(live)]
        templates = [self.publications.template(store, *each) for each in wanted]
        segments = {
            name: (segment, self.publications.segment(store, name, segment.version))
            for name, segment in head.segments.live().items()
        }
        found = self.trials(program, head.settings, templates, text, segments)
        return [replace(problem, location=f"{tests}: {problem.location}") for problem in found]


def _keeps_trigger(before: LiveWorkflow | None, trigger: Mapping[str, Any]) -> bool:
    """Whether the same trigger was live before, so that its job is queued already."""
    return before is not None and before.status in ("live", "paused") and before.trigger == trigger


def _length(document: Mapping[str, Any]) -> int:
    """The length of the published JSON in characters."""
    return len(dumps(document, separators=(",", ":")))


def _source(text: str) -> str:
    """The hash that distinguishes versions. It leaves out the status, which can change alone."""
    document = {
        key: value for key, value in loads(text.removeprefix("\ufeff")).items() if key != "status"
    }
    return sha256(f"{COMPILER}\n{dumps(document)}".encode()).hexdigest()


def path_of_version(workflow: str, version: int) -> str:
    """Where the source of a published version is stored.

    The name has no folder, as with reports (docs/decisions/0006), so that it starts no publish.
    """
    return f"published/{workflow}.{version}.json"


def path_of_tests(workflow: str) -> str:
    """The path of a workflow's tests."""
    return f"tests/{workflow}.test.json"


def _answers(workflow: Workflow) -> bool:
    return answers_opt_in(workflow.trigger.model_dump(), workflow.status)
