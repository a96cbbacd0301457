"""Publishes `scoring.json`: the points of events, and the stages of a contact.

Each stage is a segment that only the scoring rules use.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.base.parse_file import parse_file
from milepost.base.problems import Problem
from milepost.publishing.report import PublishResult, rejected
from milepost.publishing.segments import activate_segment, save_segment, segment_context
from milepost.runtime.jobs import Job
from milepost.segments.file import ScoringFile
from milepost.segments.membership import STAGE_SEGMENT_PREFIX, new_segment
from milepost.segments.scoring import Rule, Scoring
from milepost.workflows.compiler.check_conditions import leaves_of
from milepost.workflows.compiler.check_segment import check_condition, compile_condition

if TYPE_CHECKING:
    from milepost.published.head import PublishedState
    from milepost.publishing.ports import PublishedWriter
    from milepost.stores.files import StoreFiles


PATH = "scoring.json"


def publish_scoring(
    files: "StoreFiles", publications: "PublishedWriter", store: str, now: datetime
) -> PublishResult:
    """Apply the rules. A file with a mistake keeps the live rules; a missing file ends them."""
    head = publications.head(store)
    text = files.read(store, PATH)
    if text is None:
        return _end(publications, store, head)
    file = parse_file(text, ScoringFile)
    if isinstance(file, list):
        return rejected(file)
    if problems := [*_checked(files, store, head, file)]:
        return rejected(problems)
    scoring = _compiled(file)
    if not _show_stages(publications, store, head, file) and scoring == head.scoring:
        return PublishResult("unchanged")
    publications.enqueue(Job("backfill", store, "scoring", now))
    publications.apply_scoring(store, scoring.to_json())
    note = "points count from now on; stages are set within minutes, without events"
    return PublishResult("published", note=note)


def _checked(
    files: "StoreFiles", store: str, head: "PublishedState", file: ScoringFile
) -> Iterator[Problem]:
    for number, rule in enumerate(file.points):
        for path, leaf, _ in leaves_of(f"points[{number}].where", rule.where):
            if "event" not in leaf.allowed_in:
                reason = "a where here can only ask about `event`"
                remedy = "what the contact was at that time is not known any more"
                yield Problem(path, reason, remedy)
    context = segment_context(files, store, head)
    for number, stage in enumerate(file.stages):
        name = f"{STAGE_SEGMENT_PREFIX}{stage.stage}"
        yield from check_condition(f"stages[{number}].if", stage.if_, name, context)


def _compiled(file: ScoringFile) -> Scoring:
    rules = tuple(
        Rule(
            rule.id,
            rule.event,
            rule.points,
            compile_condition(rule.where) if rule.where is not None else None,
            rule.most,
        )
        for rule in file.points
    )
    decay = file.decay
    return Scoring(
        rules,
        decay.period() if decay else 0,
        (decay.steps or 0) if decay else 0,
        file.least,
        file.most,
        tuple(stage.stage for stage in file.stages),
        file.fall_back,
    )


def _show_stages(
    publications: "PublishedWriter", store: str, head: "PublishedState", file: ScoringFile
) -> bool:
    """Activate the stages in the file, archive all others, and return whether any changed."""
    changed = False
    for stage in file.stages:
        name, condition = f"{STAGE_SEGMENT_PREFIX}{stage.stage}", compile_condition(stage.if_)
        before = head.segments.get(name)
        version = before.version if before else 0
        live = before is not None and before.status == "live"
        if live and publications.segment(store, name, version) == condition:
            continue
        fresh = new_segment(stage.stage, condition, False, version + 1)
        activate_segment(
            publications,
            store,
            name,
            save_segment(publications, store, name, fresh, condition),
            before,
        )
        changed = True
    named = {f"{STAGE_SEGMENT_PREFIX}{stage.stage}" for stage in file.stages}
    return _hide_stages(publications, store, head, named) or changed


def _hide_stages(
    publications: "PublishedWriter", store: str, head: "PublishedState", named: set[str]
) -> bool:
    obsolete = [
        (name, segment)
        for name, segment in head.segments.items()
        if name.startswith(STAGE_SEGMENT_PREFIX) and name not in named and segment.status == "live"
    ]
    for name, segment in obsolete:
        activate_segment(publications, store, name, segment._replace(status="archived"), segment)
    return bool(obsolete)


def _end(publications: "PublishedWriter", store: str, head: "PublishedState") -> PublishResult:
    if head.scoring is None:
        return PublishResult("archived", note="nothing was live")
    _hide_stages(publications, store, head, set())
    publications.apply_scoring(store, None)
    return PublishResult("archived", note="no more points are given; contacts keep their stages")
