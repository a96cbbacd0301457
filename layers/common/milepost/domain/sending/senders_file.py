"""`senders` of `settings.json` as a model; only publishing imports it."""

from typing import Annotated

from pydantic import AfterValidator, Field

from milepost.domain.addresses import normalize_email
from milepost.domain.language.model import SLUG
from milepost.domain.strict import Strict


def bare_address(text: str) -> str:
    """An address as it is compared: one spelling of it."""
    address = normalize_email(text)
    if address is None:
        raise ValueError(f"{text!r} is not an e-mail address")
    return address


SenderId = Annotated[str, Field(pattern=SLUG, description="A sender's name in workflows: `anna`.")]


class SenderFile(Strict):
    """Somebody who writes to customers in the store's name."""

    name: str = Field(
        min_length=1, max_length=60, description="What readers see: `Anna from Harbor & Pine`."
    )
    address: Annotated[str, AfterValidator(bare_address)] | None = Field(
        None,
        description="The address that the mail comes from, in the domain of the stack's own "
        "sender; that sender's address if left out.",
    )
    reply_to: Annotated[str, AfterValidator(bare_address)] | None = Field(
        None, description="Where answers go; the store's `reply_to` if left out."
    )
