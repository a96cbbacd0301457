"""A segment: checked, versioned, and everybody looked at once for it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from milepost.base.errors import Busy
from milepost.base.names import WORKFLOW_LENGTH, is_workflow
from milepost.base.parse_file import read_file
from milepost.base.problems import Problem
from milepost.conditions.context import Condition
from milepost.conditions.file import say_condition
from milepost.publishing.report import Result, refused
from milepost.publishing.usage import asks_about, programs
from milepost.runtime.jobs import Work
from milepost.segments.file import SegmentFile
from milepost.segments.membership import made, static_condition
from milepost.segments.queries import Estimate
from milepost.segments.segment import Segment
from milepost.workflows.compiler.check_segment import (
    MOST_SEGMENTS,
    Beside,
    check_condition,
    compiled,
)
from milepost.workflows.explain.explanation import Explanation

if TYPE_CHECKING:
    from milepost.published.head import Head
    from milepost.publishing.ports import Publications
    from milepost.stores.files import Files


Estimates = Callable[[str, Condition], Estimate | None]
"""Counts who would belong to a segment of a store; None where there are no contacts."""


class Publishing(NamedTuple):
    """What publishing a segment needs."""

    files: "Files"
    publications: "Publications"
    estimate: Estimates = lambda _, __: None


def publish_segment(needs: Publishing, store: str, name: str, now: datetime) -> Result:
    """Bring a segment up to date with its file; what was live stays if that is wrong."""
    head = needs.publications.head(store)
    text = needs.files.read(store, f"segments/{name}.json")
    if text is None:
        return _archive(needs.publications, store, name, head, now)
    file = read_file(text, SegmentFile)
    if isinstance(file, list):
        return refused([*_named(name), *file])
    if problems := [*_named(name), *_checked(needs, store, name, head, file)]:
        return refused(problems)
    condition = static_condition(name) if file.condition is None else compiled(file.condition)
    return _go_live(needs, store, name, file, condition, head, now)


def _named(name: str) -> Iterator[Problem]:
    if not is_workflow(name):
        remedy = f"lower-case letters, digits and hyphens, {WORKFLOW_LENGTH} at most"
        yield Problem("file name", f'"{name}" cannot be a segment\'s name', remedy)


def _checked(
    needs: Publishing, store: str, name: str, head: "Head", file: SegmentFile
) -> Iterator[Problem]:
    live = head.segments.live()
    if name not in live and len(live) >= MOST_SEGMENTS:
        yield Problem("file", f"a store may have {MOST_SEGMENTS} segments", "delete one first")
    if file.condition is not None:
        yield from check_condition(
            "condition", file.condition, name, beside(needs.files, store, head)
        )


def beside(files: "Files", store: str, head: "Head") -> Beside:
    """What conditions may name: workflows that are published, or lie beside."""
    paths = files.paths(store, "workflows")
    there = {path.rpartition("/")[2].removesuffix(".json") for path in paths}
    return Beside(head.segments, head.settings.topics or {}, {*head.workflows, *there})


def _go_live(
    needs: Publishing,
    store: str,
    name: str,
    file: SegmentFile,
    condition: Condition,
    head: "Head",
    now: datetime,
) -> Result:
    held = head.segments.get(name)
    fresh = made(file.title, condition, file.static, held.version if held else 0)
    known = held is not None and held.status == "live"
    if known and needs.publications.segment(store, name, fresh.version) == condition:
        if held == fresh:
            return Result("unchanged", version=str(fresh.version))
        switch(needs.publications, store, name, fresh, held)
        return Result("published", str(fresh.version), explanation=_explained(file))
    fresh = keep(
        needs.publications, store, name, fresh._replace(version=fresh.version + 1), condition
    )
    needs.publications.set_going(Work("look", store, f"segment/{name}", now, fresh.version))
    switch(needs.publications, store, name, fresh, held)
    return Result(
        "published",
        str(fresh.version),
        note=_note(needs.estimate(store, condition)),
        explanation=_explained(file),
    )


def keep(
    publications: "Publications", store: str, name: str, segment: Segment, condition: Condition
) -> Segment:
    """Keep the condition under the first number that no other has, even one never live."""
    while not publications.keep_segment(store, name, segment.version, condition):
        segment = segment._replace(version=segment.version + 1)
    return segment


def switch(
    publications: "Publications", store: str, name: str, segment: Segment, held: Segment | None
) -> None:
    """Let a segment be live, unless another one was published at the same moment."""
    if not publications.show_segment(store, name, segment, held.version if held else 0):
        raise Busy(f"segments/{name}.json was published at the same moment")


def _note(estimate: Estimate | None) -> str:
    found = f"{estimate.words()}; " if estimate else ""
    return f"{found}everybody is looked at once for it, beginning within two minutes"


def _explained(file: SegmentFile) -> Explanation:
    if file.condition is None:
        words = "Contacts are put into it and taken out by the API or an import."
    else:
        words = f"Everybody of whom this is true: {say_condition(file.condition, 'its')}."
    return Explanation(picture="", words=words, difference=(), prices="", inside="")


def _archive(
    publications: "Publications", store: str, name: str, head: "Head", now: datetime
) -> Result:
    held = head.segments.get(name)
    if held is None or held.status == "archived":
        return Result("archived", note="nothing was live")
    if users := [*_users(publications, store, name, head)]:
        reason = f"is used by {', '.join(users)}"
        return refused([Problem("file", reason, "it stays live: change or delete that first")])
    publications.set_going(Work("look", store, f"segment/{name}", now, held.version))
    switch(publications, store, name, held._replace(status="archived"), held)
    return Result("archived", note="its members are let go, and no workflow hears of it")


def _users(publications: "Publications", store: str, name: str, head: "Head") -> Iterator[str]:
    """The workflows and segments that ask about a segment."""
    for program in programs(publications, store, head):
        if asks_about(program, name):
            yield f"workflows/{program.workflow}.json"
    for other, segment in sorted(head.segments.items()):
        if segment.status == "live" and name in segment.mention.segments:
            yield f"segments/{other}.json" if ":" not in other else "scoring.json"
