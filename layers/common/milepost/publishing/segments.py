"""Publishes a segment: checks and versions it, and queues a backfill."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from milepost.base.errors import ThrottledError
from milepost.base.names import WORKFLOW_LENGTH, is_workflow
from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.conditions.context import Condition
from milepost.conditions.file import describe_condition
from milepost.publishing.report import PublishResult, rejected
from milepost.publishing.usage import live_programs, uses_segment
from milepost.runtime.jobs import Job
from milepost.segments.file import SegmentFile
from milepost.segments.membership import new_segment, static_condition
from milepost.segments.queries import Estimate
from milepost.segments.segment import Segment
from milepost.workflows.compiler.check_segment import (
    MAX_SEGMENTS,
    SegmentContext,
    check_condition,
    compile_condition,
)
from milepost.workflows.explain.explanation import Explanation

if TYPE_CHECKING:
    from milepost.published.head import PublishedState
    from milepost.publishing.ports import PublishedWriter
    from milepost.stores.files import StoreFiles


Estimates = Callable[[str, Condition], Estimate | None]
"""Estimates how many contacts match; None where there are no contacts."""


class SegmentPublishing(NamedTuple):
    """What publishing a segment needs."""

    files: "StoreFiles"
    publications: "PublishedWriter"
    estimate: Estimates = lambda _, __: None


def publish_segment(
    needs: SegmentPublishing, store: str, name: str, now: datetime
) -> PublishResult:
    """Publish a segment's file. The live version stays if the file has a mistake."""
    head = needs.publications.head(store)
    text = needs.files.read(store, f"segments/{name}.json")
    if text is None:
        return _archive(needs.publications, store, name, head, now)
    file = parse_file(text, SegmentFile)
    if isinstance(file, list):
        return rejected([*_named(name), *file])
    if problems := [*_named(name), *_checked(needs, store, name, head, file)]:
        return rejected(problems)
    condition = (
        static_condition(name) if file.condition is None else compile_condition(file.condition)
    )
    return _go_live(needs, store, name, file, condition, head, now)


def _named(name: str) -> Iterator[Problem]:
    if not is_workflow(name):
        remedy = f"lower-case letters, digits and hyphens, {WORKFLOW_LENGTH} at most"
        yield Problem("file name", f'"{name}" cannot be a segment\'s name', remedy)


def _checked(
    needs: SegmentPublishing, store: str, name: str, head: "PublishedState", file: SegmentFile
) -> Iterator[Problem]:
    live = head.segments.live()
    if name not in live and len(live) >= MAX_SEGMENTS:
        yield Problem("file", f"a store may have {MAX_SEGMENTS} segments", "delete one first")
    if file.condition is not None:
        yield from check_condition(
            "condition", file.condition, name, segment_context(needs.files, store, head)
        )


def segment_context(files: "StoreFiles", store: str, head: "PublishedState") -> SegmentContext:
    """What conditions can name: segments, topics, and workflows published or in the bucket."""
    paths = files.paths(store, "workflows")
    uploaded = {path.rpartition("/")[2].removesuffix(".json") for path in paths}
    return SegmentContext(head.segments, head.settings.topics or {}, {*head.workflows, *uploaded})


def _go_live(
    needs: SegmentPublishing,
    store: str,
    name: str,
    file: SegmentFile,
    condition: Condition,
    head: "PublishedState",
    now: datetime,
) -> PublishResult:
    before = head.segments.get(name)
    fresh = new_segment(file.title, condition, file.static, before.version if before else 0)
    known = before is not None and before.status == "live"
    if known and needs.publications.segment(store, name, fresh.version) == condition:
        if before == fresh:
            return PublishResult("unchanged", version=str(fresh.version))
        activate_segment(needs.publications, store, name, fresh, before)
        return PublishResult("published", str(fresh.version), explanation=_explained(file))
    fresh = save_segment(
        needs.publications, store, name, fresh._replace(version=fresh.version + 1), condition
    )
    needs.publications.enqueue(Job("backfill", store, f"segment/{name}", now, fresh.version))
    activate_segment(needs.publications, store, name, fresh, before)
    return PublishResult(
        "published",
        str(fresh.version),
        note=_note(needs.estimate(store, condition)),
        explanation=_explained(file),
    )


def save_segment(
    publications: "PublishedWriter", store: str, name: str, segment: Segment, condition: Condition
) -> Segment:
    """Store the condition under the first free version number, even if never activated."""
    while not publications.keep_segment(store, name, segment.version, condition):
        segment = segment._replace(version=segment.version + 1)
    return segment


def activate_segment(
    publications: "PublishedWriter", store: str, name: str, segment: Segment, before: Segment | None
) -> None:
    """Activate a segment; ThrottledError if another publish was faster."""
    if not publications.show_segment(store, name, segment, before.version if before else 0):
        raise ThrottledError(f"segments/{name}.json was published at the same moment")


def _note(estimate: Estimate | None) -> str:
    found = f"{estimate.words()}; " if estimate else ""
    return f"{found}the backfill evaluates all contacts and starts within two minutes"


def _explained(file: SegmentFile) -> Explanation:
    if file.condition is None:
        description = "The API and imports add contacts to it and remove them."
    else:
        description = (
            f"Everybody of whom this is true: {describe_condition(file.condition, 'its')}."
        )
    return Explanation(picture="", description=description, difference=(), prices="", on_publish="")


def _archive(
    publications: "PublishedWriter", store: str, name: str, head: "PublishedState", now: datetime
) -> PublishResult:
    before = head.segments.get(name)
    if before is None or before.status == "archived":
        return PublishResult("archived", note="nothing was live")
    if users := [*_users(publications, store, name, head)]:
        reason = f"is used by {', '.join(users)}"
        return rejected([Problem("file", reason, "it stays live: change or delete that first")])
    publications.enqueue(Job("backfill", store, f"segment/{name}", now, before.version))
    activate_segment(publications, store, name, before._replace(status="archived"), before)
    return PublishResult("archived", note="its members are removed without events")


def _users(
    publications: "PublishedWriter", store: str, name: str, head: "PublishedState"
) -> Iterator[str]:
    """The workflows and segments that use a segment."""
    for program in live_programs(publications, store, head):
        if uses_segment(program, name):
            yield f"workflows/{program.workflow}.json"
    for other, segment in sorted(head.segments.items()):
        if segment.status == "live" and name in segment.mention.segments:
            yield f"segments/{other}.json" if ":" not in other else "scoring.json"
