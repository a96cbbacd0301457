from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import tables

if TYPE_CHECKING:
    from milepost.api.read import ContactReader
    from milepost.api.write import ContactWriter


@cache
def reader() -> "ContactReader":
    from milepost.api.read import ContactReader

    return ContactReader(tables.contacts(), tables.timeline(), tables.lives())


@cache
def changer() -> "ContactWriter":
    from milepost.api.write import ContactWriter

    return ContactWriter(tables.contacts(), tables.timeline())
