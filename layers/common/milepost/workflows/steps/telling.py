"""Steps that tell somebody something: the contact, staff, another system."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from milepost.base.file_model import (
    SLUG,
    FileModel,
    SenderName,
    SomeTime,
    TemplateHash,
    TemplateName,
    Topic,
    Value,
)
from milepost.workflows.steps.step import Step

_PINNED = (
    "The one version of the template to send, even after later edits: 16 digits from the "
    "template's report, `3f2a9c04d1e7b586`. The live version, with every correction, if "
    "left out."
)


class Variant(FileModel):
    """One version of an e-mail, to find out which is better."""

    name: Annotated[str, Field(pattern=SLUG, description="Its name in reports: `short-subject`.")]
    template: TemplateName
    template_version: TemplateHash | None = Field(None, description=_PINNED)
    weight: int = Field(
        1,
        ge=0,
        le=1000,
        description="Its share. With 1 here and 3 on the other, it is one contact in four.",
    )
    from_: SenderName | None = Field(
        None, alias="from", description="Who this version comes from; as the step says if left out."
    )


_ANSWERS = (
    r"^([^@\s]+@[^@\s]+\.[^@\s]+|[a-z0-9][a-z0-9-]{0,39}|"
    r"(contact|event|steps|enrollment)\.[^\s@]+)$"
)
"""An address, a sender's name, or a place where the data has one of the two."""


class SendEmail(Step):
    """Sends one e-mail. Give either `template` or `variants`.

    It is skipped, and the message says why, if the contact has no e-mail address, did not say yes
    to the topic of a marketing mail, or is no longer in the `audience` of the workflow.
    """

    type: Literal["send_email"] = Field(description="Sends an e-mail.")
    template: TemplateName | None = Field(
        None, description="The template's folder under `templates/`: `abandoned-cart/reminder`."
    )
    template_version: TemplateHash | None = Field(None, description=_PINNED)
    variants: list[Variant] | None = Field(
        None,
        min_length=2,
        max_length=10,
        description="Two or more versions, in place of `template`: which is better?",
    )
    category: Literal["marketing", "transactional"] | None = Field(
        None, description="The workflow's own if left out."
    )
    topic: Topic | None = Field(
        None, description="The subscription topic; the workflow's own if left out."
    )
    from_: SenderName | None = Field(
        None,
        alias="from",
        description="Who the mail comes from: one of `senders` in `settings.json`, `anna`, or "
        "where the data says which, `contact.properties.owner`. The store itself if left out, "
        "or if the data names no sender.",
    )
    from_name: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="The sender's name; that of `from`, or the store's name, if left out.",
    )
    reply_to: str | None = Field(
        None,
        max_length=254,
        pattern=_ANSWERS,
        description="Where answers go: an address, one of `senders`, or where the data says which, "
        "`contact.properties.owner`. If left out, to `reply_to` of the sender or of the store.",
    )
    expires: SomeTime | None = Field(
        None, description="Do not send it if it is more than this late."
    )
    on_cap: Literal["skip", "defer"] | None = Field(
        None,
        description="What to do with marketing if the contact already got as much as `caps`, "
        "`smart_sending` and the contact's own choice allow: skip it, or wait until more is "
        "allowed, a week at most. `skip` if left out.",
    )
    attachments: list[Annotated[str, Field(min_length=1, max_length=200)]] | None = Field(
        None,
        max_length=5,
        description="Files to attach to a transactional mail, below `attachments/` in the bucket: "
        "`invoices/{event.order_id}.pdf`. Without the file the mail is not sent.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.template is None) == (self.variants is None):
            raise ValueError("needs either template or variants")
        if self.variants and self.template_version:
            raise ValueError("has no template for template_version: write it into its variants")
        if self.variants:
            names = [variant.name for variant in self.variants]
            if len(set(names)) < len(names):
                raise ValueError("two variants have one name: reports could not tell them apart")
            if not sum(variant.weight for variant in self.variants):
                raise ValueError("every variant has weight 0: none could be sent")
        return self


class SendSms(Step):
    """Sends a text message."""

    type: Literal["send_sms"] = Field(description="Sends a text message.")
    template: TemplateName
    topic: Topic | None = Field(None, description="The workflow's own if left out.")


class Notify(Step):
    """Sends a short message to your own team."""

    type: Literal["notify"] = Field(description="Tells your team.")
    message: str = Field(
        min_length=1, max_length=2000,
        description="What to say. `{contact.email}` and other places are filled in.",
    )  # fmt: skip
    to: Literal["alerts", "slack"] = Field(
        "alerts", description="`alerts`: the alerts topic of your stack; `slack`: a Slack channel."
    )
    url: str | None = Field(
        None, max_length=500, description="With `slack`: the URL of its incoming webhook."
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.to == "slack") != (self.url is not None):
            raise ValueError('write {"to": "slack", "url": "https://..."}: the two go together')
        return self


class CreateTicket(Step):
    """Opens a ticket at your help desk."""

    type: Literal["create_ticket"] = Field(description="Opens a ticket.")
    profile: str = Field(pattern=SLUG, description="Which help desk.")
    title: str = Field(min_length=1, max_length=200, description="What it is about.")
    category: str | None = Field(None, max_length=60, description="Its category.")
    assignee: str | None = Field(None, max_length=254, description="Who works on it.")


class Webhook(Step):
    """Calls another system. The answer is `steps.<id>.status` and `steps.<id>.body`.

    The call is signed with the store's `webhook-key`. Without an answer it is made once more. If it
    fails, there is `steps.<id>.error`.
    """

    type: Literal["webhook"] = Field(description="Calls another system.")
    url: str = Field(min_length=1, max_length=500, description="The address, with https.")
    method: Literal["POST", "PUT", "PATCH"] = Field(
        "POST", description="The HTTP method of the call."
    )
    body: dict[str, Value] | None = Field(
        None,
        max_length=50,
        description="What to send. If left out: the contact, the event, and the results of the "
        "steps so far.",
    )
    headers: dict[str, str] | None = Field(None, max_length=20, description="More HTTP headers.")
    on_failure: Literal["continue", "exit"] = Field(
        "continue",
        description="What to do if the other system does not answer, or answers with an error.",
    )
