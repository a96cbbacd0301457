"""`notify`: tells staff."""

import re
from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from milepost.base.markdown import quoted, value
from milepost.outbound.request import check_url
from milepost.workflows.step_type import CALL_RESULTS, Step, StepType, Use

_SLOT = re.compile(r"\{((?:contact|steps|enrollment|store)\.[^\s{}]+)\}")


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


def _describe(step: Notify) -> str:
    where = f"in Slack at {value(step.url)}" if step.to == "slack" else "by the store's alerts"
    return f"Tell the shop's own people {where}: {quoted(step.message)}"


def _mistakes(step: Notify) -> Iterator[tuple[str, str]]:
    if step.url is not None and (reason := check_url(step.url)):
        yield "url", reason


STEP = StepType(
    model=Notify,
    describe=_describe,
    label=lambda step: f"Tell staff: {step.message}",
    results={**CALL_RESULTS, "notified": "text"},
    uses=lambda step: [Use("alerts", "")] if step.to == "alerts" else [],
    data_paths=lambda step: [("message", place) for place in _SLOT.findall(step.message)],
    mistakes=_mistakes,
)
