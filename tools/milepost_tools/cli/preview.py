"""The browser of this machine, if it has one.

`milepost preview`: a template as its readers will see it, and what is to be said of it.
"""

import tempfile
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from milepost.base.problems import Problem
from milepost.templates.compile import check_marketing
from milepost.templates.rendering import Renderer, html_size
from milepost.templates.utm import Campaign
from milepost_tools.cli.output import fail, print_line, show_json
from milepost_tools.cli.template_files import TemplateDraft, context_of, open_template
from milepost_tools.preview.lint import LintFinding, links_of
from milepost_tools.preview.page import index_page
from milepost_tools.preview.preview import Preview, preview
from milepost_tools.preview.sample_data import LINKS, specimen_campaign


def show(file: Path) -> bool:
    """Open a file in it; False where there is none, so that somebody can be told where it is."""
    try:
        return webbrowser.open(file.resolve().as_uri())
    except (webbrowser.Error, OSError):
        return False


_UNSEEN = {**dict.fromkeys((0x200E, 0x200F, 0x2066, 0x2067, 0x2068, 0x2069)), 0xA0: " "}
"""What directs writing in a mail and has no look of its own: a terminal would show its number."""


def preview_template(
    template: Annotated[
        str, typer.Argument(help="A template's folder, or its name: abandoned-cart/reminder.")
    ],
    contact: Annotated[
        Path | None, typer.Option(help="A JSON file: the contact. {} is an unknown contact.")
    ] = None,
    event: Annotated[Path | None, typer.Option(help="A JSON file: the data of the event.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Set one value of the event data: total=150.")
    ] = None,
    locale: Annotated[str | None, typer.Option(help="The contact's language: fa.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Show all languages of the template.")
    ] = False,
    store: Annotated[
        Path, typer.Option(help="The store's folder, if TEMPLATE is a name.")
    ] = Path(),
    out: Annotated[
        Path | None,
        typer.Option(help="Write the pages to this folder instead of opening a browser."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write and open nothing.")] = False,
    check_links: Annotated[
        bool, typer.Option("--check-links", help="Request every https link to see if it works.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; opens no browser.")] = False,
) -> None:
    """Show an e-mail in the browser, with its text, sizes and errors."""
    draft = open_template(template, store)
    context = context_of(draft, contact, event, set_ or ())
    renderer, campaign = Renderer(draft.version), specimen_campaign(draft.settings)
    asked = locale or str(context["contact"].get("locale") or draft.settings.default_locale)
    locales = draft.version.locales if every else (asked,)
    previews = [_looked_at(renderer, context, each, campaign, check_links) for each in locales]
    if as_json:
        show_json(_document(draft, previews))
    else:
        for each in previews:
            _tell(each)
        for problem in check_marketing(draft.version):
            print_line(f"not for marketing: {problem}")
    if out is not None or not (check or as_json):
        _write(draft, previews, out)
    raise typer.Exit(1 if any(each.wrong for each in previews) else 0)


def _looked_at(
    renderer: Renderer,
    context: dict[str, Any],
    locale: str,
    campaign: Campaign | None,
    check_links: bool,
) -> Preview:
    contact = {**context["contact"], "locale": locale}
    made = preview(renderer, {**context, "contact": contact}, locale, campaign)
    if not check_links or made.mail is None:
        return made
    return made._replace(remarks=(*made.remarks, *_unreachable(links_of(made.mail))))


def _unreachable(links: Sequence[str]) -> list[LintFinding]:
    """Links that do not answer, asked as a workflow's webhook would: public servers alone."""
    from milepost.outbound.https import HttpsOutbound  # only here is the network needed
    from milepost.outbound.request import OutboundRequest, RequestFailed

    found = []
    for link in links:
        if not link.lower().startswith("https://") or link.startswith(LINKS):
            continue
        answer = HttpsOutbound().call(OutboundRequest(link.partition("#")[0], "GET", {}))
        if isinstance(answer, RequestFailed):
            found.append(LintFinding(Problem("links", f"{link} does not answer: {answer.reason}")))
        elif answer.status >= 400:
            found.append(LintFinding(Problem("links", f"{link} answers {answer.status}")))
    return found


def _write(draft: TemplateDraft, previews: Sequence[Preview], out: Path | None) -> None:
    folder = out or Path(tempfile.mkdtemp(prefix="milepost-preview-"))
    index = folder / "index.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        index.write_text(index_page(draft.name, previews), "utf-8")
        for each in previews:
            if each.mail is not None:
                (folder / f"{each.locale}.html").write_text(each.mail.html, "utf-8")
                (folder / f"{each.locale}.txt").write_text(each.mail.text, "utf-8")
    except OSError as error:
        fail(f"{folder}: cannot be written: {error.strerror or error}")
    if out is None and show(index):
        print_line(f"shown in the browser: {index}")
    else:
        print_line(
            f"open {index}" if out is not None else f"there is no browser here: open {index}"
        )


def _tell(each: Preview) -> None:
    mail = each.mail
    if mail is not None:
        print_line(f"{each.locale}: {mail.subject.translate(_UNSEEN)}")
        print_line(f"  preheader: {mail.preheader.translate(_UNSEEN) or '(none)'}")
        html, text = html_size(mail.html), len(mail.text.encode())
        print_line(f"  HTML {html / 1024:.1f} KB of 102 KB, text {text / 1024:.1f} KB")
    for remark in each.remarks:
        print_line(f"  {'wrong' if remark.wrong else 'advice'}: {remark.problem}")
    if mail is not None:
        for line in mail.text.splitlines():
            print_line(f"  | {line.translate(_UNSEEN)}".rstrip())


def _document(draft: TemplateDraft, previews: Sequence[Preview]) -> dict[str, Any]:
    return {
        "template": draft.name,
        "hash": draft.version.hash,
        "languages": [_described(each) for each in previews],
        "not_for_marketing": [str(problem) for problem in check_marketing(draft.version)],
    }


def _described(each: Preview) -> dict[str, Any]:
    mail = each.mail
    made = mail and {
        "subject": mail.subject,
        "preheader": mail.preheader,
        "html_bytes": html_size(mail.html),
        "text": mail.text,
    }
    return {
        "locale": each.locale,
        **(made or {}),
        "remarks": [
            {
                "wrong": remark.wrong,
                "location": remark.problem.location,
                "reason": remark.problem.reason,
                "remedy": remark.problem.remedy or None,
            }
            for remark in each.remarks
        ],
    }
