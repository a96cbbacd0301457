"""`milepost send-test`: sends one test e-mail to yourself, through the SES of a deployed stack."""

from pathlib import Path
from typing import Annotated

import typer

from milepost.base.problems import did_you_mean
from milepost.sending.message import Accepted, SubmissionRejected
from milepost.sending.senders import from_identity
from milepost.templates.rendering import Renderer
from milepost_tools.cli.output import (
    FileProblem,
    exit_with_problems,
    fail,
    print_line,
    show_problems,
)
from milepost_tools.cli.template_files import context_of, open_template
from milepost_tools.preview.preview import preview
from milepost_tools.preview.sample_data import specimen_campaign

_REMEDIES = {
    "AccessDeniedException": "your credentials need ses:SendEmail and ses:GetEmailIdentity",
    "MailFromDomainNotVerifiedException": "run `milepost doctor`",
    "MessageRejected": "in SES's sandbox only verified addresses get mail: run `milepost doctor`",
    "SendingPausedException": "SES has paused the account: run `milepost doctor`",
}


def send_test(
    template: Annotated[
        str, typer.Argument(help="A template's folder, or its name: abandoned-cart/reminder.")
    ],
    to: Annotated[str, typer.Option(help="Your own address, verified in SES; one at a time.")],
    contact: Annotated[Path | None, typer.Option(help="A JSON file: the contact.")] = None,
    event: Annotated[Path | None, typer.Option(help="A JSON file: the data of the event.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Set one value of the event data: total=150.")
    ] = None,
    locale: Annotated[str | None, typer.Option(help="The contact's language: fa.")] = None,
    sender: Annotated[
        str | None, typer.Option("--from", help="A sender of settings.json: anna.")
    ] = None,
    store: Annotated[
        Path, typer.Option(help="The store's folder, if TEMPLATE is a name.")
    ] = Path(),
    stack: Annotated[str, typer.Option(help="The name of the stack.")] = ("milepost"),
) -> None:
    """Send a local template to your own address, marked as a test.

    It is not counted. Needs AWS credentials that may read the stack and SES's identities, and
    send from the stack's address with its configuration set.
    """
    draft = open_template(template, store)
    senders = draft.settings.senders or {}
    if sender is not None and sender not in senders:
        remedy = did_you_mean(sender, senders) or "declare it under senders"
        fail(f'--from {sender}: settings.json has no sender "{sender}" ({remedy})')
    context = context_of(draft, contact, event, set_ or ())
    asked = locale or str(context["contact"].get("locale") or draft.settings.default_locale)
    context["contact"]["locale"] = asked
    origin = from_identity({"from": sender}, "", context, draft.settings)
    context["sender"] = {"name": origin.name}
    made = preview(Renderer(draft.version), context, asked, specimen_campaign(draft.settings))
    wrong = [FileProblem(f"templates/{draft.name}", r.problem) for r in made.remarks if r.wrong]
    if made.mail is None:
        exit_with_problems(wrong)
    show_problems(wrong)
    from milepost.base.errors import ThrottledError
    from milepost_tools import wiring as tools_wiring  # AWS clients, needed from here on
    from milepost_tools.operations.test_send import SendTestDeclined

    try:
        answer = tools_wiring.test_sender(stack).send(to, made.mail, origin)
    except (LookupError, ThrottledError) as error:
        fail(f"{error}: check --stack, AWS_PROFILE and AWS_REGION")
    match answer:
        case Accepted():
            print_line(f"SES took it for {to}: message {answer.ses_id}")
            return
        case SendTestDeclined():
            print_line(f"not sent: {answer.reason} ({answer.remedy})")
        case SubmissionRejected():
            remedy = _REMEDIES.get(answer.reason, "run `milepost doctor`")
            print_line(f"not sent: SES says {answer.reason} ({remedy})")
        case _:
            print_line(f"SES gave no answer ({answer.reason}): it may come or not")
    raise typer.Exit(1)
