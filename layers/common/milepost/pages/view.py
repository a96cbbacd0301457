"""The web view of an e-mail: render the message again from its template version and enrollment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from milepost.base import times
from milepost.base.addresses import address_hash
from milepost.base.names import EnrollmentRef, MessageRef
from milepost.enrollments.enrollment import email_data, template_data
from milepost.sending.links import API_PLACEHOLDER_URL, ViewLink, verify_view_link, web_view_urls
from milepost.sending.senders import from_identity

if TYPE_CHECKING:
    from milepost.enrollments.ports import Enrollments
    from milepost.published.head import Published
    from milepost.sending.ports import MessageArchive
    from milepost.stores.settings import StoreSettings
    from milepost.stores.store_secrets import Secrets


WEB_VIEW_PERIOD = timedelta(days=90)

_SENT_STATUSES = frozenset({"claimed", "accepted", "unknown"})


class RenderedMail(NamedTuple):
    """The page of a valid link. `html` is None if the e-mail is no longer shown."""

    html: str | None
    store_name: str
    locale: str


@dataclass(frozen=True, slots=True)
class MailViewer:
    """Opens view links and renders e-mails. It writes nothing."""

    archive: "MessageArchive"
    enrollments: "Enrollments"
    registry: "Published"
    secrets: "Secrets"

    def open(self, store: str, token: str, now: datetime) -> RenderedMail | None:
        """The page of a link; None if the link is invalid."""
        keys = self.secrets.of(store)
        link = verify_view_link(store, token, keys.links if keys else ())
        if keys is None or link is None:
            return None
        settings = self.registry.head(store).settings
        html = self._html(link, settings, now, keys.links[0])
        return RenderedMail(html, settings.name or store, settings.default_locale)

    def _html(
        self, link: ViewLink, settings: "StoreSettings", now: datetime, key: str
    ) -> str | None:
        from milepost.templates.rendering import RenderingError  # only valid links need it

        ref = MessageRef(link.store, link.contact, link.message)
        message = self.archive.message(ref)
        if message is None or message["status"] not in _SENT_STATUSES:
            return None
        sent_at = times.parse_instant(message["decided_at"])
        loaded = self.enrollments.load(EnrollmentRef.of_message(ref, message))
        if now - sent_at > WEB_VIEW_PERIOD or loaded is None:
            return None
        profile, enrollment = loaded
        # The e-mail is rendered from today's data. If the address has changed, the contact may be
        # another person: a mistyped address was corrected, or two contacts were merged.
        if not profile.email or address_hash(profile.email) != message.get("recipient"):
            return None
        urls = web_view_urls(settings.url, link, message.get("topic") or "", key)
        data = template_data(profile, enrollment, settings)
        enrollment_ref = enrollment.ref
        try:
            program = self.registry.program(
                enrollment_ref.store, enrollment_ref.workflow, int(message["version"])
            )
            node = program.nodes.get(message["step"], {})
            sender = from_identity(node, message.get("variant", ""), data, settings).name
            template = self.registry.template(
                link.store, message["template"], message["template_hash"]
            )
            rendered = template.render(
                email_data(data, sender, urls, sent_at), profile.get("locale")
            )
            return rendered.html.replace(API_PLACEHOLDER_URL, "../")
        except (LookupError, RenderingError):
            return None
