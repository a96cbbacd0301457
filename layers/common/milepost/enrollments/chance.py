"""Repeatable chance: a hash of the enrollment and the step, never a random number.

So a repeated step, a report and a simulation get the same result.
"""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

from milepost.base.names import EnrollmentRef
from milepost.enrollments.program import Node


def random_share(ref: EnrollmentRef, step: str) -> float:
    """A number from 0 to below 1, evenly distributed, the same for one enrollment and step."""
    return _even(ref.store, ref.id, step)


def _even(*names: str) -> float:
    digest = sha256("\n".join(names).encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def jitter(span: timedelta, *names: str) -> timedelta:
    """A part of a span in whole seconds, evenly distributed over names."""
    return timedelta(seconds=int(span.total_seconds() * _even(*names)))


def choose_path(ref: EnrollmentRef, step: str, weights: Mapping[str, int]) -> str:
    """Choose a path by weight. The weights must not all be 0."""
    left = random_share(ref, step) * sum(weights.values())
    chosen = ""
    for name, weight in weights.items():
        if weight:
            chosen = name
            if left < weight:
                break
            left -= weight
    return chosen


def is_held_out(ref: EnrollmentRef, node: Node) -> bool:
    """Whether the contact is in the control group of a `holdout` step, in every enrollment."""
    return _even(ref.store, ref.contact, ref.workflow, node["id"]) * 100 < float(node["percent"])
