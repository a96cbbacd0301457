from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import tables

if TYPE_CHECKING:
    from milepost.api.read import Reader
    from milepost.api.write import Changer


@cache
def reader() -> "Reader":
    from milepost.api.read import Reader

    return Reader(tables.contacts(), tables.timeline(), tables.lives())


@cache
def changer() -> "Changer":
    from milepost.api.write import Changer

    return Changer(tables.contacts(), tables.timeline())
