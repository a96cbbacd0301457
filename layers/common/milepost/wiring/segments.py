from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import core, tables

if TYPE_CHECKING:
    from milepost.segments.evaluator import SegmentEvaluator
    from milepost.segments.queries import SegmentQueries


@cache
def segment_evaluator() -> "SegmentEvaluator":
    from milepost.segments.evaluator import SegmentEvaluator

    return SegmentEvaluator(tables.timeline(), core.published(), tables.members())


@cache
def segment_queries() -> "SegmentQueries":
    from milepost.segments.queries import SegmentQueries

    return SegmentQueries(
        tables.contacts(),
        tables.timeline(),
        core.published(),
        tables.members(),
        segment_evaluator(),
        core.clock().now,
    )
