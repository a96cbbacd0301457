from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import core, tables

if TYPE_CHECKING:
    from milepost.pages.browser_events import Browsing
    from milepost.pages.preferences import PreferenceDesk
    from milepost.pages.sign_up import Confirmer, SignUps
    from milepost.pages.unsubscribe import Unsubscriber
    from milepost.pages.view import Viewer


@cache
def unsubscriber() -> "Unsubscriber":
    from milepost.pages.unsubscribe import Unsubscriber

    return Unsubscriber(tables.contacts(), core.registry(), core.secrets())


@cache
def viewer() -> "Viewer":
    from milepost.pages.view import Viewer

    return Viewer(tables.ledger(), tables.enrollments(), core.registry(), core.secrets())


@cache
def browsing() -> "Browsing":
    from milepost.pages.browser_events import Browsing

    return Browsing(tables.timeline(), core.registry(), core.secrets(), tables.limits())


@cache
def sign_ups() -> "SignUps":
    from milepost.pages.sign_up import SignUps

    return SignUps(tables.timeline(), core.registry(), core.secrets(), tables.limits())


@cache
def confirmer() -> "Confirmer":
    from milepost.pages.sign_up import Confirmer

    return Confirmer(tables.timeline(), tables.contacts(), core.registry(), core.secrets())


@cache
def preference_desk() -> "PreferenceDesk":
    from milepost.pages.preferences import PreferenceDesk

    return PreferenceDesk(
        tables.contacts(), tables.timeline(), tables.enrollments(), core.registry(), core.secrets()
    )
