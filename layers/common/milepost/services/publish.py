"""Publish: a marketer's file is checked, compiled, versioned and reported on.

A file that is wrong changes nothing that is live. Files may arrive in any order and together: a
refusal is noted, and whenever something new goes live, what was refused is tried again. The
present state of the bucket counts, not the notice that brought us here, which may be late,
repeated or out of order.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from json import dumps
from pathlib import PurePosixPath

from milepost.domain.asked import check_conditions, leaves
from milepost.domain.graph import build_program, check_steps, walk
from milepost.domain.machine import Wiring, longest_stay, machine, transitions
from milepost.domain.names import WORKFLOW_LENGTH, is_workflow
from milepost.domain.problems import Problem, suggest
from milepost.domain.program import Program
from milepost.domain.reading import read_file
from milepost.domain.report import Outcome, Report, as_json, as_markdown
from milepost.domain.settings_file import SettingsFile
from milepost.domain.template_versions import TemplateVersion
from milepost.domain.templates import check_marketing, compile_template
from milepost.domain.workflow import LONGEST_STAY, ConsentsTo, SendEmail, Workflow
from milepost.ports import Busy, Files, Head, Live, Machines, Publications

COMPILER = "1"
"""Raise it when the same workflow compiles to something else: every file is a new version then."""

MOST_STATES = 1_000_000
"""Characters of a definition: Step Functions takes 1 MB (its quotas)."""

MOST_PROGRAM = 350_000
"""Characters of a compiled workflow: it is one DynamoDB item, which may hold 400 KB."""

LAYOUT = "_layout"
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes a store's files. `name_room`: how long a machine's name may be after the stack."""

    files: Files
    publications: Publications
    machines: Machines
    wiring: Wiring
    now: Callable[[], datetime]
    name_room: int = 60

    def publish(self, store: str, paths: Sequence[str]) -> list[Report]:
        """Bring everything that these paths concern up to date; the reports, newest last.

        Settings go first and workflows last, so that files uploaded together find each other.
        """
        units = dict.fromkeys(unit for path in paths for unit in self._units(store, path))
        unfinished: list[str] = []
        reports = list(self._each(store, units, unfinished))
        if any(report.outcome == "published" for report in reports):
            done = {report.file for report in reports if report.outcome != "refused"}
            again = [unit for unit in self.publications.all_refused(store) if unit not in done]
            reports += self._each(store, again, unfinished)
        if unfinished:
            raise Busy("not finished: " + "; ".join(unfinished))
        return reports

    def _each(self, store: str, units: Iterable[str], unfinished: list[str]) -> Iterator[Report]:
        """Publish one after the other; one that cannot be finished now holds no other up."""
        for unit in sorted(units, key=_turn):
            try:
                yield self._publish(store, unit)
            except Busy as busy:
                unfinished.append(str(busy))

    def _units(self, store: str, path: str) -> list[str]:
        """What a changed file is part of: itself, its template's folder, or every template."""
        parts = PurePosixPath(path).parts
        if path == "settings.json":
            return [path]
        if parts[:1] == ("workflows",):
            return [path] if path.endswith(".json") and len(parts) == 2 else []
        if parts[:1] != ("templates",) or len(parts) < 3:
            return []
        if parts[1] != LAYOUT:
            return [str(PurePosixPath(path).parent)]
        files = [PurePosixPath(p).parts for p in self.files.paths(store, "templates")]
        return sorted({"/".join(p[:-1]) for p in files if len(p) > 2 and p[1] != LAYOUT})

    def _publish(self, store: str, unit: str) -> Report:
        """Publish until the result is of the bucket and the registry as they are."""
        for _ in range(_ROUNDS):
            before = self._seen(store, unit)
            report = self._once(store, unit)
            self.publications.refused(store, unit, report.outcome == "refused")
            if self._seen(store, unit) == before:
                self._write(store, report)
                return report
        raise Busy(f"{unit} kept changing while it was published")

    def _seen(self, store: str, unit: str) -> object:
        """All that a result depends on: if it is the same afterwards, the result still holds."""
        head = self.publications.head(store)
        if unit.startswith("templates/"):
            layout = self.files.folder(store, f"templates/{LAYOUT}")
            users = self._marketing_users(store, head, unit.removeprefix("templates/"))
            return (self.files.folder(store, unit), layout, head.settings, users)
        return (self.files.read(store, unit), sorted(head.templates.items()), head.settings)

    def _once(self, store: str, unit: str) -> Report:
        if unit == "settings.json":
            return self._settings(store, unit)
        if unit.startswith("templates/"):
            return self._template(store, unit)
        return self._workflow(store, unit)

    # --- settings ---

    def _settings(self, store: str, unit: str) -> Report:
        text = self.files.read(store, unit)
        if text is None:
            return self._report(unit, "kept", note="the file is gone, its last settings stay")
        settings = read_file(text, SettingsFile)
        if isinstance(settings, list):
            return self._report(unit, "refused", settings)
        if problems := self._topics_in_use(store, settings):
            return self._report(unit, "refused", problems)
        document = settings.model_dump(mode="json", exclude_none=True, exclude={"schema_"})
        self.publications.apply_settings(store, document)
        return self._report(unit, "published")

    def _topics_in_use(self, store: str, settings: SettingsFile) -> list[Problem]:
        """Topics that workflows still mail about cannot go: their mail would stop unseen."""
        problems = []
        for name, live in sorted(self.publications.head(store).workflows.items()):
            if live.status == "archived":
                continue
            program = self.publications.program(store, name, live.version)
            used = {program.head.get("topic"), *(n.get("topic") for n in program.nodes.values())}
            problems += [
                Problem("topics", f'"{topic}" is used by {name}', "change or delete that first")
                for topic in sorted(topic for topic in used if topic)
                if topic not in settings.topics
            ]
        return problems

    # --- templates ---

    def _template(self, store: str, unit: str) -> Report:
        name = unit.removeprefix("templates/")
        head = self.publications.head(store)
        files = self.files.folder(store, unit)
        if not files:
            users = self._marketing_users(store, head, name, any_category=True)
            if users:
                problem = Problem(
                    unit, f"is used by {', '.join(users)}", "its last version stays live"
                )
                return self._report(unit, "refused", [problem])
            self.publications.hide_template(store, name)
            return self._report(unit, "archived")
        compiled = compile_template(
            name,
            files,
            self.files.folder(store, f"templates/{LAYOUT}"),
            head.settings.default_locale,
            head.settings.locales,
        )
        if not isinstance(compiled, TemplateVersion):
            return self._report(unit, "refused", list(compiled))
        users = self._marketing_users(store, head, name)
        if users and (problems := check_marketing(compiled)):
            used = f"used for marketing by {', '.join(users)}"
            return self._report(
                unit, "refused", [replace(p, reason=f"{p.reason}, {used}") for p in problems]
            )
        if head.templates.get(name) == compiled.hash:
            return self._report(unit, "unchanged", version=compiled.hash)
        self.publications.keep_template(store, compiled)
        self.publications.show_template(store, name, compiled.hash)
        return self._report(unit, "published", version=compiled.hash)

    def _marketing_users(
        self, store: str, head: Head, template: str, any_category: bool = False
    ) -> list[str]:
        """The live workflows that send this template as marketing."""
        users = []
        for name, live in sorted(head.workflows.items()):
            if live.status == "archived":
                continue
            program = self.publications.program(store, name, live.version)
            for node in program.nodes.values():
                if node["type"] == "send_email" and node["template"] == template:
                    category = node.get("category") or program.head["category"]
                    if any_category or category == "marketing":
                        users.append(name)
                        break
        return users

    # --- workflows ---

    def _workflow(self, store: str, unit: str) -> Report:
        name = PurePosixPath(unit).stem
        head = self.publications.head(store)
        live = head.workflows.get(name)
        text = self.files.read(store, unit)
        if text is None:
            return self._archive(store, unit, name, live)
        workflow = read_file(text, Workflow)
        if isinstance(workflow, list):
            return self._report(unit, "refused", [*self._named(store, name), *workflow])
        problems = [
            *self._named(store, name), *check_steps(workflow), *check_conditions(workflow)
        ]  # fmt: skip
        problems += self._references(store, head, workflow)
        if problems:
            return self._report(unit, "refused", problems)
        return self._go_live(store, unit, name, workflow, live, text)

    def _archive(self, store: str, unit: str, name: str, live: Live | None) -> Report:
        if live is None or live.status == "archived":
            return self._report(unit, "archived", note="nothing was live")
        archived = replace(live, status="archived")
        if not self.publications.go_live(store, name, archived, live.version):
            raise Busy(f"{unit} was published at the same moment")
        return self._report(
            unit, "archived", note="nobody enters any more; those inside finish on their version"
        )

    def _go_live(
        self, store: str, unit: str, name: str, workflow: Workflow, live: Live | None, text: str
    ) -> Report:
        source = sha256(f"{COMPILER}\n{text}".encode()).hexdigest()
        status = workflow.status
        previous = live.version if live else 0
        if live and self.publications.source(store, name, previous) == source:
            if live.status == status:
                return self._report(unit, "unchanged", version=str(previous))
            program = self.publications.program(store, name, previous)
            if self.publications.go_live(store, name, replace(live, status=status), previous):
                return self._published(unit, program)
            raise Busy(f"{unit} was published at the same moment")
        program = build_program(name, previous + 1, workflow)
        if (stay := longest_stay(program)) > LONGEST_STAY:
            reason = f"can take {stay.days} days, and a state machine ends after 365"
            return self._report(unit, "refused", [Problem("steps", reason, "wait for less")])
        states = len(dumps(machine(program, self.wiring)))
        if states > MOST_STATES or len(dumps(program.to_json())) > MOST_PROGRAM:
            problem = Problem("file", "has too many steps for one state machine", "split it")
            return self._report(unit, "refused", [problem])
        program = self._keep(store, program, source)
        arn = self.machines.publish(store, name, machine(program, self.wiring))
        if not self.publications.go_live(store, name, Live(program.version, arn, status), previous):
            raise Busy(f"{unit} was published at the same moment")
        return self._published(unit, program)

    def _keep(self, store: str, program: Program, source: str) -> Program:
        """Keep the program under the first number that no other file has, even one never live."""
        while not self.publications.keep_program(store, program, source):
            program = replace(program, version=program.version + 1)
        return program

    def _named(self, store: str, name: str) -> list[Problem]:
        if not is_workflow(name):
            return [
                Problem(
                    "file name",
                    f'"{name}" cannot be a workflow\'s name',
                    f"lower-case letters, digits and hyphens, {WORKFLOW_LENGTH} at most",
                )
            ]
        room = self.name_room - len(store) - 1
        if len(name) > room:
            remedy = f"use {room} characters at most: a state machine's name has 80 in all"
            return [Problem("file name", f'"{name}" is too long for this stack', remedy)]
        return []

    def _references(self, store: str, head: Head, workflow: Workflow) -> list[Problem]:
        """What the workflow names must exist: templates and topics, fit for their use."""
        problems: list[Problem] = []
        topics = head.settings.topics or {}
        if workflow.topic and workflow.topic not in topics:
            problems.append(_no_topic("topic", workflow.topic, topics))
        for place, condition, _ in leaves(workflow):
            if isinstance(condition, ConsentsTo) and condition.consents_to not in topics:
                problems.append(_no_topic(f"{place}.consents_to", condition.consents_to, topics))
        for place, step in walk(workflow.steps):
            if not isinstance(step, SendEmail):
                continue
            if step.topic and step.topic not in topics:
                problems.append(_no_topic(f"{place}.topic", step.topic, topics))
            category = step.category or workflow.category
            if category == "marketing" and not topics:
                remedy = "name the topics readers subscribe to in settings.json"
                problems.append(Problem(place, "marketing mail needs a topic", remedy))
            problems += self._template_for(store, head, place, step, category)
        return problems

    def _template_for(
        self, store: str, head: Head, place: str, step: SendEmail, category: str
    ) -> list[Problem]:
        version = head.templates.get(step.template)
        if version is None:
            remedy = suggest(step.template, [*head.templates]) or "upload its folder to templates/"
            reason = f'no template named "{step.template}" is published'
            return [Problem(f"{place}.template", reason, remedy)]
        if category != "marketing":
            return []
        template = self.publications.template(store, step.template, version)
        return [
            Problem(f"{place}.template", f"{p.place} {p.reason}", p.remedy)
            for p in check_marketing(template)
        ]

    # --- reports ---

    def _published(self, unit: str, program: Program) -> Report:
        return self._report(
            unit,
            "published",
            version=str(program.version),
            note=f"{transitions(program)} billed state transitions on the longest path",
        )

    def _report(
        self,
        unit: str,
        outcome: Outcome,
        problems: list[Problem] | None = None,
        version: str = "",
        note: str = "",
    ) -> Report:
        return Report(unit, outcome, self.now(), version, note, tuple(problems or ()))

    def _write(self, store: str, report: Report) -> None:
        base = "reports/" + report.file.removesuffix(".json").replace("/", ".")
        self.files.write(store, f"{base}.report.json", as_json(report))
        self.files.write(store, f"{base}.report.md", as_markdown(report))


def _turn(unit: str) -> tuple[int, str]:
    return (("settings.json", "templates", "workflows").index(unit.partition("/")[0]), unit)


def _no_topic(place: str, topic: str, topics: object) -> Problem:
    known = [*topics] if isinstance(topics, dict) else []
    return Problem(place, f'settings.json has no topic "{topic}"', suggest(topic, known))
