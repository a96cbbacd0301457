from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import core, tables

if TYPE_CHECKING:
    from milepost.pages.browser_events import BrowserEvents
    from milepost.pages.preferences import PreferencesService
    from milepost.pages.sign_up import SignUpConfirmation, SignUpForms
    from milepost.pages.unsubscribe import Unsubscriber
    from milepost.pages.view import MailViewer


@cache
def unsubscriber() -> "Unsubscriber":
    from milepost.pages.unsubscribe import Unsubscriber

    return Unsubscriber(tables.contacts(), core.registry(), core.secrets())


@cache
def viewer() -> "MailViewer":
    from milepost.pages.view import MailViewer

    return MailViewer(tables.ledger(), tables.enrollments(), core.registry(), core.secrets())


@cache
def browsing() -> "BrowserEvents":
    from milepost.pages.browser_events import BrowserEvents

    return BrowserEvents(tables.timeline(), core.registry(), core.secrets(), tables.limits())


@cache
def sign_ups() -> "SignUpForms":
    from milepost.pages.sign_up import SignUpForms

    return SignUpForms(tables.timeline(), core.registry(), core.secrets(), tables.limits())


@cache
def confirmer() -> "SignUpConfirmation":
    from milepost.pages.sign_up import SignUpConfirmation

    return SignUpConfirmation(tables.timeline(), tables.contacts(), core.registry(), core.secrets())


@cache
def preference_desk() -> "PreferencesService":
    from milepost.pages.preferences import PreferencesService

    return PreferencesService(
        tables.contacts(), tables.timeline(), tables.enrollments(), core.registry(), core.secrets()
    )
