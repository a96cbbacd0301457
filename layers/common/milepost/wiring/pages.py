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

    return Unsubscriber(tables.contacts(), core.published(), core.secrets())


@cache
def mail_viewer() -> "MailViewer":
    from milepost.pages.view import MailViewer

    return MailViewer(tables.ledger(), tables.enrollments(), core.published(), core.secrets())


@cache
def browser_events() -> "BrowserEvents":
    from milepost.pages.browser_events import BrowserEvents

    return BrowserEvents(
        tables.timeline(), core.published(), core.secrets(), tables.visitor_limits()
    )


@cache
def sign_up_forms() -> "SignUpForms":
    from milepost.pages.sign_up import SignUpForms

    return SignUpForms(tables.timeline(), core.published(), core.secrets(), tables.visitor_limits())


@cache
def sign_up_confirmation() -> "SignUpConfirmation":
    from milepost.pages.sign_up import SignUpConfirmation

    return SignUpConfirmation(
        tables.timeline(), tables.contacts(), core.published(), core.secrets()
    )


@cache
def preferences_service() -> "PreferencesService":
    from milepost.pages.preferences import PreferencesService

    return PreferencesService(
        tables.contacts(), tables.timeline(), tables.enrollments(), core.published(), core.secrets()
    )
