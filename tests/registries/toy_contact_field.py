"""A field of contacts that Milepost does not have: the company that somebody buys for."""

from milepost.contacts.fields import CONTACT_FIELDS, ContactField

CONTACT_FIELDS["company"] = ContactField(
    "company",
    "company",
    "The company that the contact buys for.",
    normalize=lambda text: text.title() if text.strip(".") else None,
    spelling="a name like Acme",
    aliases=("Organisation", "firm"),
    asked_by_forms=True,
    set_by_steps=True,
    sample="Acme Ltd",
)
