"""Chance that can be asked again: a hash of the enrollment and the step, never a random number.

A replayed step, a report and a simulation all find the same answer.
"""

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

from milepost.base.refs import EnrollmentRef
from milepost.enrollments.program import Node


def random_share(ref: EnrollmentRef, step: str) -> float:
    """A number from 0 to below 1, even over enrollments, the same for one enrollment and step."""
    return _even(ref.store, ref.id, step)


def _even(*names: str) -> float:
    digest = sha256("\n".join(names).encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def jitter(span: timedelta, *names: str) -> timedelta:
    """Some part of a span in whole seconds, even over names."""
    return timedelta(seconds=int(span.total_seconds() * _even(*names)))


def choose_path(ref: EnrollmentRef, step: str, weights: Mapping[str, int]) -> str:
    """One of the names, each as likely as its weight; the weights must not all be 0."""
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
    """Whether the contact belongs to the control group of a `holdout` step.

    Who comes again stays in the group: a control that is mailed the second time is none.
    """
    return _even(ref.store, ref.contact, ref.workflow, node["id"]) * 100 < float(node["percent"])
