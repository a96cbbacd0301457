"""Leaving: segments may ask who is in a workflow, and nothing happens to a contact at its end."""

from datetime import datetime
from typing import TYPE_CHECKING

from milepost.domain.refs import EnrollmentRef

if TYPE_CHECKING:
    from milepost.ports.contacts import Timeline
    from milepost.ports.published import Head


def tell_left(timeline: "Timeline", head: "Head", ref: EnrollmentRef, at: datetime) -> None:
    """Have a contact looked at that is no longer in a workflow which segments ask about."""
    names = head.segments.workflows.get(ref.workflow, ())
    if names:
        from milepost.domain.belonging import look_event  # few workflows are asked about

        timeline.append(ref.contact, look_event(ref.store, at, names, because=ref.id))
