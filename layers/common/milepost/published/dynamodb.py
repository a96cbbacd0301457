"""What is published: one head per store, which changes, and versions, which never change."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from milepost.aws import keys
from milepost.aws.table import Table, pack
from milepost.enrollments.pauses import Pause, pauses_from_json
from milepost.enrollments.program import Program
from milepost.published.head import LiveWorkflow, PublishedState
from milepost.segments.segment import Segment, Segments
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.conditions.context import Condition
    from milepost.published.marketing_stop import MarketingStop
    from milepost.segments.scoring import Scoring
    from milepost.templates.rendering import Renderer
    from milepost.templates.version import TemplateVersion


WORKFLOW = "workflow:"
TEMPLATE = "template:"
SEGMENT = "segment:"


@dataclass(slots=True)
class DynamoPublished:
    """Implements `Published`. Caches the head for `fresh_for` and versions for good."""

    table: Table
    now: Callable[[], datetime]
    fresh_for: timedelta = timedelta(seconds=30)
    _heads: dict[str, tuple[datetime, PublishedState]] = field(default_factory=dict)
    _programs: dict[tuple[str, str, int], Program] = field(default_factory=dict)
    _templates: dict[tuple[str, str, str], "Renderer"] = field(default_factory=dict)
    _resumes: dict[tuple[str, str, int], str] = field(default_factory=dict)
    _segments: dict[tuple[str, str, int], "Condition"] = field(default_factory=dict)

    def head(self, store: str, anew: bool = False) -> PublishedState:
        cached = self._heads.get(store)
        if cached is None or anew or self.now() - cached[0] >= self.fresh_for:
            cached = (self.now(), read_head(self.table, store))
            self._heads[store] = cached
        return cached[1]

    def program(self, store: str, workflow: str, version: int) -> Program:
        key = (store, workflow, version)
        if key not in self._programs:
            self._programs[key] = read_program(self.table, *key)
        return self._programs[key]

    def template(self, store: str, name: str, version: str) -> "Renderer":
        key = (store, name, version)
        if key not in self._templates:
            from milepost.templates.rendering import Renderer  # only sending needs Jinja2

            self._templates[key] = Renderer(read_template(self.table, *key))
        return self._templates[key]

    def resume_state_machine(self, store: str, workflow: str, version: int) -> str:
        key = (store, workflow, version)
        if key not in self._resumes:
            item = self.table.get(program_key(*key)) or {}
            if "resume" not in item:
                raise LookupError(f"workflow {workflow} version {version} cannot be resumed")
            self._resumes[key] = item["resume"]
        return self._resumes[key]

    def segment(self, store: str, name: str, version: int) -> "Condition":
        key = (store, name, version)
        if key not in self._segments:
            self._segments[key] = read_segment(self.table, *key)
        return self._segments[key]


def head_key(store: str) -> dict[str, Any]:
    return keys.store_item(store, "HEAD")


def program_key(store: str, workflow: str, version: int) -> dict[str, Any]:
    return keys.store_item(store, f"PROGRAM#{workflow}#{version}")


def template_key(store: str, name: str, version: str) -> dict[str, Any]:
    return keys.store_item(store, f"TEMPLATE#{name}#{version}")


def segment_key(store: str, name: str, version: int) -> dict[str, Any]:
    return keys.store_item(store, f"SEGMENT#{name}#{version}")


def read_head(table: Table, store: str) -> PublishedState:
    item = table.get(head_key(store)) or {}
    return PublishedState(
        settings=StoreSettings.from_json(json.loads(item.get("settings", "{}"))),
        workflows={
            name.removeprefix(WORKFLOW): LiveWorkflow(
                int(live["version"]),
                live["state_machine_arn"],
                live["status"],
                _pauses(live),
                json.loads(live.get("trigger", "{}")),
            )
            for name, live in item.items()
            if name.startswith(WORKFLOW)
        },
        templates={
            name.removeprefix(TEMPLATE): version
            for name, version in item.items()
            if name.startswith(TEMPLATE)
        },
        pauses=_pauses(item),
        segments=Segments(
            (name.removeprefix(SEGMENT), Segment.from_json(json.loads(live["live"])))
            for name, live in item.items()
            if name.startswith(SEGMENT)
        ),
        scoring=_scoring(item.get("scoring")),
        breaker=_marketing_stop(item.get("breaker")),
        resumed=item.get("resumed", ""),
    )


def _marketing_stop(text: str | None) -> "MarketingStop | None":
    if text is None:
        return None
    from milepost.published.marketing_stop import MarketingStop  # stops are rare

    return MarketingStop.from_json(json.loads(text))


def _scoring(text: str | None) -> "Scoring | None":
    if text is None:
        return None
    from milepost.segments.scoring import Scoring  # few functions compute scores

    return Scoring.from_json(json.loads(text))


def read_segment(table: Table, store: str, name: str, version: int) -> "Condition":
    item = table.get(segment_key(store, name, version))
    if item is None:
        raise LookupError(f"segment {name} version {version} is not published")
    condition: Condition = json.loads(item["condition"])
    return condition


def read_program(table: Table, store: str, workflow: str, version: int) -> Program:
    item = table.get(program_key(store, workflow, version))
    if item is None:
        raise LookupError(f"workflow {workflow} version {version} is not published")
    return Program.from_json(json.loads(item["program"]))


def read_template(table: Table, store: str, name: str, version: str) -> "TemplateVersion":
    item = table.get(template_key(store, name, version))
    if item is None:
        raise LookupError(f"template {name} version {version} is not published")
    from milepost.templates.version import TemplateVersion

    return TemplateVersion.from_bytes(item["content"])


def program_item(store: str, program: Program, source: str) -> Mapping[str, Any]:
    text = json.dumps(program.to_json(), ensure_ascii=False, separators=(",", ":"))
    key = program_key(store, program.workflow, program.version)
    return key | pack({"program": text, "source": source})


def template_item(store: str, template: "TemplateVersion") -> Mapping[str, Any]:
    key = template_key(store, template.name, template.hash)
    return key | pack({"content": template.to_bytes()})


def _pauses(held: Mapping[str, Any]) -> tuple[Pause, ...]:
    text = held.get("pauses", "[]")
    return () if text == "[]" else pauses_from_json(json.loads(text))
