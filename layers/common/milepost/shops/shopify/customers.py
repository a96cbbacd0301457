"""Customer records and their consents as contact events."""

from collections.abc import Mapping

from milepost.base import times
from milepost.contacts.event import ContactUpdate
from milepost.shops.platform import Translation
from milepost.shops.shopify import mapping
from milepost.shops.shopify.delivery import ParsedDelivery, required
from milepost.shops.shopify.fields import read
from milepost.shops.shopify.shapes import CustomerRecord, EmailConsent

CUSTOMER_EVENTS: Mapping[str, tuple[str, str]] = {
    "customers/create": ("Customer Created", "created"),
    "customers/update": ("Customer Updated", "updated"),
    "customers/enable": ("Customer Enabled", "enabled"),
    "customers/disable": ("Customer Disabled", "disabled"),
}


def translate_customer(arrival: ParsedDelivery) -> Translation:
    """A created or changed customer record: it mostly updates the contact's fields."""
    customer = read(CustomerRecord, arrival.payload)
    name, change = CUSTOMER_EVENTS[arrival.topic]
    if arrival.topic == "customers/create":
        at = required("created_at", customer.created_at, customer.updated_at)
    else:
        at = required("updated_at", customer.updated_at)
        change = f"{change}:{times.format_instant(at)}"
    data = mapping.known_fields(
        customer_id=customer.id,
        state=customer.state,
        currency=customer.currency,
        total_spent=customer.total_spent,
        orders_count=customer.orders_count,
    )
    event = arrival.event(
        name,
        f"customer:{customer.id}:{change}",
        at,
        identifiers=mapping.collect_identifiers(
            emails=(customer.email,), phones=(customer.phone,), external_id=customer.id
        ),
        data=data,
        contact=mapping.describe_customer(customer, arrival.topic, arrival.received_at),
    )
    return Translation((event,))


def translate_email_consent(arrival: ParsedDelivery) -> Translation:
    """An e-mail consent. A state that is no answer, such as pending, makes an event without one."""
    change = read(EmailConsent, arrival.payload)
    consent = change.email_marketing_consent
    identifiers = mapping.collect_identifiers(
        emails=(change.email_address,), external_id=change.customer_id
    )
    if not identifiers:
        return Translation(ignored="no_contact")
    if consent is None or consent.state is None:
        return Translation(ignored="no_consent")
    state = consent.state.lower()
    at = consent.consent_updated_at or arrival.delivery.triggered_at or arrival.received_at
    consents = mapping.consents(consent, arrival.topic, arrival.received_at)
    event = arrival.event(
        "Email Consent Updated",
        # The id and not the address, because event ids are in keys and logs.
        f"email_consent:{change.customer_id or 'guest'}:{state}:{times.format_instant(at)}",
        at,
        identifiers=identifiers,
        data=mapping.known_fields(
            customer_id=change.customer_id, state=state, opt_in_level=consent.opt_in_level
        ),
        contact=ContactUpdate(consents=consents),
    )
    return Translation((event,))


def skip_sms_consent(_: ParsedDelivery) -> Translation:
    """`customers_marketing_consent` is the consent to text messages, despite its name."""
    return Translation(ignored="sms_consent")
