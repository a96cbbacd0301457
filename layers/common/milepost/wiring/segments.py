from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import core, tables

if TYPE_CHECKING:
    from milepost.segments.evaluator import Segmenter
    from milepost.segments.queries import Census


@cache
def segmenter() -> "Segmenter":
    from milepost.segments.evaluator import Segmenter

    return Segmenter(tables.timeline(), core.registry(), tables.members())


@cache
def census() -> "Census":
    from milepost.segments.queries import Census

    return Census(
        tables.contacts(),
        tables.timeline(),
        core.registry(),
        tables.members(),
        segmenter(),
        core.clock().now,
    )
