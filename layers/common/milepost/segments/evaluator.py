"""Segments: an event has a contact enter and leave those that it is about.

It is decided before the profile is written, and written with it; the events and the index of
members follow after, and a repeated record does them once more, harmlessly. Reads are those of the
windows that the segments concerned ask for, and of windows that the totals know to be empty none.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from milepost.base import instants
from milepost.base.refs import ContactRef
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
_NOWHERE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SegmentEvaluator:
    """Keeps the segments of a contact true."""

    timeline: "Timeline"
    registry: "SegmentSource"
    members: "Memberships"

    def score(
        self, profile: Profile, event: Event | None, head: "SegmentHead", now: datetime
    ) -> Profile:
        """The contact with its score as it is now, after an event or with none."""
        if head.scoring is None and not profile.segment_state.score:
            return profile
        # many stores have no scoring
        from milepost.segments.scoring import apply_score, current_score

        if event is not None:
            at = evaluated_at(event, now)
            standing = apply_score(profile.segment_state, event, head.scoring, at)
        elif head.scoring is None:
            return profile
        else:
            score = current_score(profile.segment_state.points, head.scoring, now)
            standing = profile.segment_state._replace(score=score)
        return replace(profile, segment_state=standing)

    def update(
        self,
        before: Profile | None,
        profile: Profile,
        event: Event,
        head: "SegmentHead",
        now: datetime,
    ) -> Profile:
        """The contact in those segments that it belongs to after an event.

        `profile` has the event already, `before` not.
        """
        profile = replace(profile, segment_state=profile.segment_state._replace(crossings=()))
        at = evaluated_at(event, now)
        topics = head.settings.shop_topics
        names = affected_segments(head.segments, before, profile, event, at, topics)
        profile = self._decided(profile, names, event, head, now)
        return self._staged(profile, event, head, now)

    def after_entering(
        self,
        profile: Profile,
        workflows: Iterable[str],
        event: Event,
        head: "SegmentHead",
        now: datetime,
    ) -> Profile:
        """The contact in those segments that ask about workflows it has just entered."""
        asking = head.segments.workflows
        names = {name for workflow in workflows for name in asking.get(workflow, ())}
        return self._decided(profile, names, event, head, now) if names else profile

    def publish_changes(self, profile: Profile, event: Event) -> None:
        """Let be seen what an event has changed: the members, and what happened to the contact."""
        ref = ContactRef(profile.store, profile.contact)
        united = event.source == SYSTEM_SOURCE and event.name == MERGED
        for name, (value, at, setter) in profile.fields.items():
            if name.startswith(LISTS) and (united or setter == event.id):
                self._list(ref, name.removeprefix(LISTS), value is True, at)
        for crossing in profile.segment_state.crossings:
            if crossing.event == event.id:
                self._settle(ref, crossing, event)

    def evaluate_for_backfill(
        self,
        profile: Profile,
        names: Iterable[str],
        event: Event,
        head: "SegmentHead",
        now: datetime,
    ) -> Profile:
        """The contact as a look for some segments would leave it; nothing is written."""
        profile = replace(profile, segment_state=profile.segment_state._replace(crossings=()))
        profile = self.score(profile, event, head, now)
        profile = self._decided(profile, names, event, head, now)
        return self._staged(profile, event, head, now)

    def matches(
        self, profile: Profile, condition: Condition, head: "SegmentHead", now: datetime
    ) -> bool:
        """Whether a condition is true of a contact."""
        facts = _Looking(self.timeline, profile, head, now).facts(condition)
        return evaluate(condition, facts).value

    def _decided(
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
        looking = _Looking(self.timeline, profile, head, evaluated_at(event, now))
        initial = is_initial(event, now)
        standing = profile.segment_state
        for name in head.segments.order:
            if name not in pending:
                continue
            live = head.segments[name]
            inside, flip = self._answered(profile, name, live, looking, standing)
            dropped = live.status == "archived"
            after = apply_membership(standing, name, inside, event, at, initial, dropped)
            if after is not standing:
                pending.update(head.segments.segments.get(name, ()))
            standing = set_next_change(after, name, flip)
        return replace(profile, segment_state=standing)

    def _answered(
        self,
        profile: Profile,
        name: str,
        live: Segment,
        looking: "_Looking",
        standing: SegmentState,
    ) -> tuple[bool, datetime | None]:
        """Whether a contact is in a segment, and when that can change by itself."""
        if live.status != "live":
            return False, None
        condition = self.registry.segment(profile.store, name, live.version)
        asked = standing.inside() if live.mention.segments else _NOWHERE
        facts = looking.facts(condition, asked)
        flip = next_change(condition, facts) if live.timed else None
        return evaluate(condition, facts).value, flip

    def _staged(
        self, profile: Profile, event: Event, head: "SegmentHead", now: datetime
    ) -> Profile:
        """The contact with the stage that the rules have come to, which an event will tell of."""
        if head.scoring is None or not head.scoring.stages:
            return profile
        from milepost.segments.scoring import reached_stage

        standing = profile.segment_state
        stage = reached_stage(standing, profile.get("stage"), head.scoring, STAGE_SEGMENT_PREFIX)
        if not stage:
            return profile
        at = instants.parse_instant(instants.format_instant(evaluated_at(event, now)))
        if standing.stage_since is not None:
            at = max(at, standing.stage_since + _MILLISECOND)  # of one instant, either could count
        crossing = MembershipChange(stage, "stage", at, event.id, is_initial(event, now))
        crossings = (*standing.crossings, crossing)
        standing = standing._replace(stage=stage, stage_since=at, crossings=crossings)
        return replace(profile, segment_state=standing)

    def _list(self, ref: ContactRef, name: str, on: bool, at: str) -> None:
        if on:
            self.members.join(ref, "list", name, instants.parse_instant(at))
        else:
            self.members.leave(ref, "list", name)

    def _settle(self, ref: ContactRef, crossing: MembershipChange, event: Event) -> None:
        if crossing.on == "entered":
            self.members.join(ref, "segment", crossing.name, crossing.at)
        elif crossing.on != "stage":
            self.members.leave(ref, "segment", crossing.name)
        if crossing.on != "dropped":
            self.timeline.append(ref.contact, membership_event(crossing, event))


@dataclass(slots=True)
class _Looking:
    """One look at one contact: each window is read once, whoever asks for it."""

    timeline: "Timeline"
    profile: Profile
    head: "SegmentHead"
    now: datetime
    _windows: dict[EventWindow, list[PastEvent]] = field(default_factory=dict)
    _base: EvaluationContext | None = None

    def facts(
        self, condition: Condition, segments: frozenset[str] | None = None
    ) -> EvaluationContext:
        """What there is to know for a condition, and no more."""
        inside = self.profile.segment_state.inside() if segments is None else segments
        windows = {w: self._window(w) for w in windows_needed(condition, self.now, None)}
        known = self._known()
        return EvaluationContext(
            now=self.now,
            contact=known.contact,
            consent=known.consent,
            metrics=known.metrics,
            active_workflows=known.active_workflows,
            windows=windows,
            segments=inside,
            score_decays=known.score_decays,
        )

    def _window(self, window: EventWindow) -> list[PastEvent]:
        if window not in self._windows:
            seen = [] if self._is_empty(window) else self._read(window)
            self._windows[window] = seen
        return self._windows[window]

    def _read(self, window: EventWindow) -> list[PastEvent]:
        return self.timeline.past_events(self.profile.store, self.profile.contact, window)

    def _is_empty(self, window: EventWindow) -> bool:
        """The totals know it without a look; an event that they do not hold yet will be about the
        same segments when it comes."""
        totals = self.profile.totals
        if OTHER_EVENTS in totals:
            return False
        total = totals.get(window.name)
        return total is None or (window.since is not None and total.last <= window.since)

    def _known(self) -> EvaluationContext:
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
                score_decays=_fades(profile, scoring, self.now) if scoring else (),
            )
        return self._base


def _fades(profile: Profile, scoring: Any, now: datetime) -> list[tuple[datetime, float]]:
    """What the whole score will be: what steps added to it stays."""
    from milepost.segments.scoring import score_decays

    stays = profile.get("score")
    if not isinstance(stays, int | float) or isinstance(stays, bool):
        return []
    rest = stays - profile.segment_state.score
    return [
        (at, rest + score) for at, score in score_decays(profile.segment_state.points, scoring, now)
    ]


def read_ahead(profile: Profile, head: "SegmentHead") -> list[datetime]:
    """When the segments of a contact have to be looked at again."""
    gone = {name for name, each in head.segments.items() if each.status == "archived"}
    return [at for name, at in profile.segment_state.next_changes.items() if name not in gone]


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
    occasions = next_due(profile, head.time_triggers(), since, head.settings.timezone)[:1]
    instants = [*(occasion.at for occasion in occasions), *read_ahead(profile, head)]
    return plan_next_check(profile, min(instants, default=None), now)
