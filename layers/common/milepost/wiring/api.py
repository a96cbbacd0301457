from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import tables

if TYPE_CHECKING:
    from milepost.api.read import ContactReader
    from milepost.api.write import ContactWriter


@cache
def contact_queries() -> "ContactReader":
    from milepost.api.read import ContactReader

    return ContactReader(tables.contacts(), tables.timeline(), tables.contact_records())


@cache
def contact_writer() -> "ContactWriter":
    from milepost.api.write import ContactWriter

    return ContactWriter(tables.contacts(), tables.timeline())
