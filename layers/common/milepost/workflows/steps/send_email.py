"""`send_email`: sends one e-mail."""

from collections.abc import Iterator
from functools import partial
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
)
from milepost.base.markdown import bold, code, describe_duration, listed, plural, quoted, share
from milepost.sending.senders import is_data_path, senders_named
from milepost.workflows.step_type import Part, Step, StepType, Use

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


def _template(named: SendEmail | Variant) -> str:
    said = bold(named.template or "")
    return f"{said} in version {code(named.template_version)}" if named.template_version else said


def _describe(step: SendEmail) -> str:
    if step.variants:
        whole = sum(variant.weight for variant in step.variants)
        said = "Send one of " + listed(
            [
                f"{_template(v)} as {code(v.name)} ({v.weight}, {share(v.weight, whole)})"
                + (f" from {code(v.from_)}" if v.from_ else "")
                for v in step.variants
            ],
            "or",
        )
    else:
        said = f"Send {_template(step)}"
    more = []
    if step.category:
        more.append(f"as {step.category} mail")
    if step.topic:
        more.append(f"to those who consent to {code(step.topic)}")
    if step.from_:
        more.append(f"from {code(step.from_)}")
    if step.from_name:
        under = "under the name" if step.from_ else "from"
        more.append(f"{under} {quoted(step.from_name)}")
    if step.reply_to:
        more.append(f"answers go to {quoted(step.reply_to)}")
    if step.attachments:
        more.append(f"with {listed([quoted(name) for name in step.attachments])}")
    if step.expires:
        more.append(f"not if that is {describe_duration(step.expires)} late")
    if step.on_cap:
        later = "is left out" if step.on_cap == "skip" else "waits"
        more.append(f"it {later} when the contact has had enough mail")
    return ", ".join([said, *more])


def _says(variant: Variant) -> str:
    pinned = variant.template_version
    version = f" in version {code(pinned)}" if pinned else ""
    return f"{bold(variant.template)}{version}, weight {variant.weight}"


def _uses(step: SendEmail) -> Iterator[Use]:
    yield Use("topic", step.topic or "", "topic", step.category)
    for field, name in senders_named(step.model_dump(by_alias=True)).items():
        yield Use("sender", name, field)
    if step.template is not None:
        yield Use("template", step.template, "template", step.category, step.template_version)
    for number, variant in enumerate(step.variants or ()):
        field, pinned = f"variants[{number}].template", variant.template_version
        yield Use("template", variant.template, field, step.category, pinned)
    for number, path in enumerate(step.attachments or ()):
        yield Use("file", path, f"attachments[{number}]", step.category)


def _data_paths(step: SendEmail) -> Iterator[tuple[str, str]]:
    named = {"from": step.from_, "reply_to": step.reply_to}
    named |= {f"variants[{n}].from": each.from_ for n, each in enumerate(step.variants or ())}
    yield from ((field, place) for field, place in named.items() if place and is_data_path(place))


STEP = StepType(
    model=SendEmail,
    describe=_describe,
    label=lambda step: (
        f"Send {step.template or 'one of ' + plural(len(step.variants or ()), 'variant')}"
    ),
    shape="rounded",
    parts=lambda step: [
        Part("variant", f"variants[{number}]", variant.name, partial(_says, variant))
        for number, variant in enumerate(step.variants or ())
    ],
    uses=_uses,
    data_paths=_data_paths,
)
