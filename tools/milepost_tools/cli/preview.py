"""`milepost preview`: shows a template in the browser as its recipients will see it."""

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


def open_in_browser(file: Path) -> bool:
    """Open a file in the browser; False if there is none, so that the command prints the path."""
    try:
        return webbrowser.open(file.resolve().as_uri())
    except (webbrowser.Error, OSError):
        return False


_INVISIBLE = {**dict.fromkeys((0x200E, 0x200F, 0x2066, 0x2067, 0x2068, 0x2069)), 0xA0: " "}
"""Invisible characters that control the writing direction; a terminal would print their code."""


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
    language = locale or str(context["contact"].get("locale") or draft.settings.default_locale)
    locales = draft.version.locales if every else (language,)
    previews = [_preview(renderer, context, each, campaign, check_links) for each in locales]
    if as_json:
        show_json(_document(draft, previews))
    else:
        for each in previews:
            _print(each)
        for problem in check_marketing(draft.version):
            print_line(f"not for marketing: {problem}")
    if out is not None or not (check or as_json):
        _write(draft, previews, out)
    raise typer.Exit(1 if any(each.wrong for each in previews) else 0)


def _preview(
    renderer: Renderer,
    context: dict[str, Any],
    locale: str,
    campaign: Campaign | None,
    check_links: bool,
) -> Preview:
    contact = {**context["contact"], "locale": locale}
    rendered = preview(renderer, {**context, "contact": contact}, locale, campaign)
    if not check_links or rendered.mail is None:
        return rendered
    return rendered._replace(remarks=(*rendered.remarks, *_unreachable(links_of(rendered.mail))))


def _unreachable(links: Sequence[str]) -> list[LintFinding]:
    """Links that do not answer. Like a workflow's webhook, the check only calls public servers."""
    from milepost.outbound.https import HttpsOutbound  # only this check needs the network
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
    if out is None and open_in_browser(index):
        print_line(f"shown in the browser: {index}")
    else:
        print_line(
            f"open {index}" if out is not None else f"there is no browser here: open {index}"
        )


def _print(each: Preview) -> None:
    mail = each.mail
    if mail is not None:
        print_line(f"{each.locale}: {mail.subject.translate(_INVISIBLE)}")
        print_line(f"  preheader: {mail.preheader.translate(_INVISIBLE) or '(none)'}")
        html, text = html_size(mail.html), len(mail.text.encode())
        print_line(f"  HTML {html / 1024:.1f} KB of 102 KB, text {text / 1024:.1f} KB")
    for remark in each.remarks:
        print_line(f"  {'wrong' if remark.wrong else 'advice'}: {remark.problem}")
    if mail is not None:
        for line in mail.text.splitlines():
            print_line(f"  | {line.translate(_INVISIBLE)}".rstrip())


def _document(draft: TemplateDraft, previews: Sequence[Preview]) -> dict[str, Any]:
    return {
        "template": draft.name,
        "hash": draft.version.hash,
        "languages": [_language_json(each) for each in previews],
        "not_for_marketing": [str(problem) for problem in check_marketing(draft.version)],
    }


def _language_json(each: Preview) -> dict[str, Any]:
    mail = each.mail
    rendered = mail and {
        "subject": mail.subject,
        "preheader": mail.preheader,
        "html_bytes": html_size(mail.html),
        "text": mail.text,
    }
    return {
        "locale": each.locale,
        **(rendered or {}),
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
