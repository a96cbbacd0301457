"""Update the segments of a contact after an event.

The evaluation comes before the write of the profile, which stores its result. The events and the
index of members follow after the write; a repeated record repeats them without effect. An
evaluation reads only the timeline windows of the affected segments, and none that the totals show
to be empty.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from milepost.base import times as instants
from milepost.base.names import ContactRef
from milepost.conditions.context import Condition, EvaluationContext, EventWindow, PastEvent
from milepost.conditions.evaluate import evaluate, next_change, windows_needed
from milepost.contacts.event import Event
from milepost.contacts.event_names import MERGED, SYSTEM_SOURCE
from milepost.contacts.profile import OTHER_EVENTS, NextCheck, Profile
from milepost.contacts.segment_state import MembershipChange, SegmentState
from milepost.enrollments.trigger_types import (
    checked_until,
    is_reevaluation,
    next_due,
    plan_next_check,
)
from milepost.segments.membership import (
    STAGE_SEGMENT_PREFIX,
    affected_segments,
    apply_membership,
    evaluated_at,
    is_initial,
    membership_event,
    set_next_change,
)
from milepost.segments.segment import Segment

if TYPE_CHECKING:
    from milepost.contacts.ports import Memberships, Timeline
    from milepost.segments.ports import SegmentHead, SegmentSource


LISTS = "lists."

_MILLISECOND = timedelta(milliseconds=1)
_NO_SEGMENTS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SegmentEvaluator:
    """Keeps the segments of contacts current."""

    timeline: "Timeline"
    registry: "SegmentSource"
    members: "Memberships"

    def score(
        self, profile: Profile, event: Event | None, head: "SegmentHead", now: datetime
    ) -> Profile:
        """The contact with its current score, after an event or without one."""
        if head.scoring is None and not profile.segment_state.score:
            return profile
        from milepost.segments.scoring import apply_score, current_score  # few stores use scoring

        if event is not None:
            at = evaluated_at(event, now)
            state = apply_score(profile.segment_state, event, head.scoring, at)
        elif head.scoring is None:
            return profile
        else:
            score = current_score(profile.segment_state.points, head.scoring, now)
            state = profile.segment_state._replace(score=score)
        return replace(profile, segment_state=state)

    def update(
        self,
        before: Profile | None,
        profile: Profile,
        event: Event,
        head: "SegmentHead",
        now: datetime,
    ) -> Profile:
        """The contact with its segments after an event, which only `profile` includes."""
        profile = replace(profile, segment_state=profile.segment_state._replace(crossings=()))
        at = evaluated_at(event, now)
        topics = head.settings.shop_topics
        names = affected_segments(head.segments, before, profile, event, at, topics)
        profile = self._evaluate(profile, names, event, head, now)
        return self._with_stage(profile, event, head, now)

    def after_entering(
        self,
        profile: Profile,
        workflows: Iterable[str],
        event: Event,
        head: "SegmentHead",
        now: datetime,
    ) -> Profile:
        """The contact with its segments after it has entered workflows."""
        by_workflow = head.segments.workflows
        names = {name for workflow in workflows for name in by_workflow.get(workflow, ())}
        return self._evaluate(profile, names, event, head, now) if names else profile

    def publish_changes(self, profile: Profile, event: Event) -> None:
        """Write what an event has changed to the index of members and to the timeline."""
        ref = ContactRef(profile.store, profile.contact)
        merged = event.source == SYSTEM_SOURCE and event.name == MERGED
        for name, (value, at, setter) in profile.fields.items():
            if name.startswith(LISTS) and (merged or setter == event.id):
                self._update_list(ref, name.removeprefix(LISTS), value is True, at)
        for change in profile.segment_state.crossings:
            if change.event == event.id:
                self._publish(ref, change, event)

    def evaluate_for_backfill(
        self,
        profile: Profile,
        names: Iterable[str],
        event: Event,
        head: "SegmentHead",
        now: datetime,
    ) -> Profile:
        """The contact after a backfill of some segments; it writes nothing."""
        profile = replace(profile, segment_state=profile.segment_state._replace(crossings=()))
        profile = self.score(profile, event, head, now)
        profile = self._evaluate(profile, names, event, head, now)
        return self._with_stage(profile, event, head, now)

    def matches(
        self, profile: Profile, condition: Condition, head: "SegmentHead", now: datetime
    ) -> bool:
        """Whether a contact matches a condition."""
        context = _ContextLoader(self.timeline, profile, head, now).load(condition)
        return evaluate(condition, context).value

    def _evaluate(
        self,
        profile: Profile,
        names: Iterable[str],
        event: Event,
        head: "SegmentHead",
        now: datetime,
    ) -> Profile:
        pending = set(names)
        if not pending:
            return profile
        at = instants.parse_instant(instants.format_instant(evaluated_at(event, now)))
        loader = _ContextLoader(self.timeline, profile, head, evaluated_at(event, now))
        initial = is_initial(event, now)
        state = profile.segment_state
        for name in head.segments.order:
            if name not in pending:
                continue
            live = head.segments[name]
            inside, change_at = self._evaluate_one(profile, name, live, loader, state)
            dropped = live.status == "archived"
            after = apply_membership(state, name, inside, event, at, initial, dropped)
            if after is not state:
                pending.update(head.segments.segments.get(name, ()))
            state = set_next_change(after, name, change_at)
        return replace(profile, segment_state=state)

    def _evaluate_one(
        self,
        profile: Profile,
        name: str,
        live: Segment,
        loader: "_ContextLoader",
        state: SegmentState,
    ) -> tuple[bool, datetime | None]:
        """Whether a contact is in a segment, and when that can change without an event."""
        if live.status != "live":
            return False, None
        condition = self.registry.segment(profile.store, name, live.version)
        segments = state.inside() if live.mention.segments else _NO_SEGMENTS
        context = loader.load(condition, segments)
        change_at = next_change(condition, context) if live.timed else None
        return evaluate(condition, context).value, change_at

    def _with_stage(
        self, profile: Profile, event: Event, head: "SegmentHead", now: datetime
    ) -> Profile:
        """The contact with the stage that the rules reached; an event will report it."""
        if head.scoring is None or not head.scoring.stages:
            return profile
        from milepost.segments.scoring import reached_stage

        state = profile.segment_state
        stage = reached_stage(state, profile.get("stage"), head.scoring, STAGE_SEGMENT_PREFIX)
        if not stage:
            return profile
        at = instants.parse_instant(instants.format_instant(evaluated_at(event, now)))
        if state.stage_since is not None:
            at = max(at, state.stage_since + _MILLISECOND)  # two stages need two instants
        change = MembershipChange(stage, "stage", at, event.id, is_initial(event, now))
        crossings = (*state.crossings, change)
        state = state._replace(stage=stage, stage_since=at, crossings=crossings)
        return replace(profile, segment_state=state)

    def _update_list(self, ref: ContactRef, name: str, on: bool, at: str) -> None:
        if on:
            self.members.join(ref, "list", name, instants.parse_instant(at))
        else:
            self.members.leave(ref, "list", name)

    def _publish(self, ref: ContactRef, change: MembershipChange, event: Event) -> None:
        if change.on == "entered":
            self.members.join(ref, "segment", change.name, change.at)
        elif change.on != "stage":
            self.members.leave(ref, "segment", change.name)
        if change.on != "dropped":
            self.timeline.append(ref.contact, membership_event(change, event))


@dataclass(slots=True)
class _ContextLoader:
    """Loads the evaluation context of one contact. It reads each window once."""

    timeline: "Timeline"
    profile: Profile
    head: "SegmentHead"
    now: datetime
    _windows: dict[EventWindow, list[PastEvent]] = field(default_factory=dict)
    _base: EvaluationContext | None = None

    def load(
        self, condition: Condition, segments: frozenset[str] | None = None
    ) -> EvaluationContext:
        """The context with the windows of one condition."""
        inside = self.profile.segment_state.inside() if segments is None else segments
        windows = {w: self._window(w) for w in windows_needed(condition, self.now, None)}
        return replace(self._without_windows(), windows=windows, segments=inside)

    def _window(self, window: EventWindow) -> list[PastEvent]:
        if window not in self._windows:
            profile = self.profile
            self._windows[window] = (
                []
                if self._is_empty(window)
                else self.timeline.past_events(profile.store, profile.contact, window)
            )
        return self._windows[window]

    def _is_empty(self, window: EventWindow) -> bool:
        """Whether the totals show that a window is empty. An event that they do not count yet will
        have the same segments evaluated when it is applied."""
        totals = self.profile.totals
        if OTHER_EVENTS in totals:
            return False
        total = totals.get(window.name)
        return total is None or (window.since is not None and total.last <= window.since)

    def _without_windows(self) -> EvaluationContext:
        if self._base is None:
            profile, scoring = self.profile, self.head.scoring
            self._base = EvaluationContext(
                now=self.now,
                contact=profile.as_data(),
                consent=profile.consents(),
                metrics=profile.metrics(),
                active_workflows=frozenset(
                    each.workflow for each in profile.active_enrollments.values()
                ),
                score_decays=_score_decays(profile, scoring, self.now) if scoring else (),
            )
        return self._base


def _score_decays(profile: Profile, scoring: Any, now: datetime) -> list[tuple[datetime, float]]:
    """The future values of the whole score. Points that steps have added do not decay."""
    from milepost.segments.scoring import score_decays

    score, state = profile.get("score"), profile.segment_state
    if not isinstance(score, int | float) or isinstance(score, bool):
        return []
    rest = score - state.score
    return [(at, rest + earned) for at, earned in score_decays(state.points, scoring, now)]


def read_ahead(profile: Profile, head: "SegmentHead") -> list[datetime]:
    """When to evaluate the segments of a contact again."""
    archived = {name for name, each in head.segments.items() if each.status == "archived"}
    return [at for name, at in profile.segment_state.next_changes.items() if name not in archived]


def next_check_at(
    profile: Profile, head: "SegmentHead", now: datetime, event: Event | None = None
) -> NextCheck | None:
    """When to re-evaluate a contact next: a time trigger comes due, or a segment may change.

    If `event` is a re-evaluation, time triggers that came due since its instant still count: a
    function with an older head may have missed them.
    """
    since = checked_until(profile, now)
    if event is not None and is_reevaluation(event):
        since = min(since, event.occurred_at)
    triggers = next_due(profile, head.time_triggers(), since, head.settings.timezone)[:1]
    instants = [*(trigger.at for trigger in triggers), *read_ahead(profile, head)]
    return plan_next_check(profile, min(instants, default=None), now)
