from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import core, tables

if TYPE_CHECKING:
    from milepost.segments.evaluator import SegmentEvaluator
    from milepost.segments.queries import SegmentQueries


@cache
def segmenter() -> "SegmentEvaluator":
    from milepost.segments.evaluator import SegmentEvaluator

    return SegmentEvaluator(tables.timeline(), core.registry(), tables.members())


@cache
def census() -> "SegmentQueries":
    from milepost.segments.queries import SegmentQueries

    return SegmentQueries(
        tables.contacts(),
        tables.timeline(),
        core.registry(),
        tables.members(),
        segmenter(),
        core.clock().now,
    )
