"""`senders` of `settings.json` as a model; only publishing imports it."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from milepost.domain.addresses import normalize_email
from milepost.domain.language.model import SLUG


def _bare(text: str) -> str:
    """An address as it is compared: one spelling of it."""
    address = normalize_email(text)
    if address is None:
        raise ValueError(f"{text!r} is not an e-mail address")
    return address


SenderId = Annotated[str, Field(pattern=SLUG, description="A sender's name in workflows: `anna`.")]


class SenderFile(BaseModel):
    """Somebody who writes to customers in the store's name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        min_length=1, max_length=60, description="What readers see: `Anna from Harbor & Pine`."
    )
    address: Annotated[str, AfterValidator(_bare)] | None = Field(
        None,
        description="The address that the mail comes from, in the domain of the stack's own "
        "sender; that sender's address if left out.",
    )
    reply_to: Annotated[str, AfterValidator(_bare)] | None = Field(
        None, description="Where answers go; the store's `reply_to` if left out."
    )
