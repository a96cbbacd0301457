"""`webhook`: calls another system."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from milepost.base.file_model import Value
from milepost.base.markdown import pairs, value
from milepost.outbound.request import check_header, check_url
from milepost.workflows.step_type import CALL_RESULTS, Step, StepType


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


def _describe(step: Webhook) -> str:
    said = f"Call {value(step.url)} ({step.method})"
    if step.body is not None:
        said += f" with {pairs(step.body)}" if step.body else " with nothing"
    if step.headers is not None:
        said += f", headers {pairs(step.headers)}" if step.headers else ", no headers"
    failing = "leave" if step.on_failure == "exit" else "go on all the same"
    return f"{said}; if that fails, {failing}"


def _mistakes(step: Webhook) -> Iterator[tuple[str, str]]:
    if reason := check_url(step.url):
        yield "url", reason
    for name, said in (step.headers or {}).items():
        if reason := check_header(name, said):
            yield f"headers.{name}", reason


STEP = StepType(
    model=Webhook,
    describe=_describe,
    label=lambda step: f"{step.method} {step.url}",
    leaves=lambda step: "fails" if step.on_failure == "exit" else "",
    results=CALL_RESULTS,
    mistakes=_mistakes,
)
