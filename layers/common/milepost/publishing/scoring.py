"""A store's `scoring.json`: what events are worth, and the stages of a customer's life.

Each stage is a segment that only the rules ask for.
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
    """Apply the rules; those that were live stay if the file is wrong, and end if it is gone."""
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
    note = "points are given from now on; stages are found out within minutes, and are no news"
    return PublishResult("published", note=note)


def _checked(
    files: "StoreFiles", store: str, head: "PublishedState", file: ScoringFile
) -> Iterator[Problem]:
    for number, rule in enumerate(file.points):
        for place, leaf, _ in leaves_of(f"points[{number}].where", rule.where):
            if "event" not in leaf.allowed_in:
                reason = "a where here can only ask about `event`"
                remedy = "what the contact was at that time is not known any more"
                yield Problem(place, reason, remedy)
    around = segment_context(files, store, head)
    for number, stage in enumerate(file.stages):
        name = f"{STAGE_SEGMENT_PREFIX}{stage.stage}"
        yield from check_condition(f"stages[{number}].if", stage.if_, name, around)


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
    """Let the stages be live that the file names, and no others; whether that changed any."""
    changed = False
    for stage in file.stages:
        name, condition = f"{STAGE_SEGMENT_PREFIX}{stage.stage}", compile_condition(stage.if_)
        held = head.segments.get(name)
        live = held is not None and held.status == "live"
        if live and publications.segment(store, name, held.version if held else 0) == condition:
            continue
        fresh = new_segment(stage.stage, condition, False, (held.version if held else 0) + 1)
        activate_segment(
            publications,
            store,
            name,
            save_segment(publications, store, name, fresh, condition),
            held,
        )
        changed = True
    named = {f"{STAGE_SEGMENT_PREFIX}{stage.stage}" for stage in file.stages}
    return _hide_stages(publications, store, head, named) or changed


def _hide_stages(
    publications: "PublishedWriter", store: str, head: "PublishedState", named: set[str]
) -> bool:
    gone = [
        (name, held)
        for name, held in head.segments.items()
        if name.startswith(STAGE_SEGMENT_PREFIX) and name not in named and held.status == "live"
    ]
    for name, held in gone:
        activate_segment(publications, store, name, held._replace(status="archived"), held)
    return bool(gone)


def _end(publications: "PublishedWriter", store: str, head: "PublishedState") -> PublishResult:
    if head.scoring is None:
        return PublishResult("archived", note="nothing was live")
    _hide_stages(publications, store, head, set())
    publications.apply_scoring(store, None)
    return PublishResult("archived", note="no points are given any more; stages stay as they are")
