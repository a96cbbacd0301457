"""The pages of the inbox. They show e-mails but do not trust them.

The inbox's own pages run one script of their own origin and nothing else. An e-mail's HTML is a
document of its own, sandboxed twice (by the frame and by its own policy): it has no origin, runs no
script, sends no form and cannot reach the page around it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from local.inbox.links import Link, links_of, with_links_to
from local.inbox.recipient import NotFound, Reader, Seen, link_of
from local.inbox.unsubscribe import Answer, NotOffered, one_click_address
from local.ses.mail import Mail

HERE = Path(__file__).resolve().parent
MOST_SHOWN = 200
VIEWS = ("html", "text", "source")
GOOD_SCHEMES = ("http", "https", "mailto", "tel")

# Milepost's message tags, in the order in which the inbox shows them.
SHOWN_TAGS = ("workflow", "step")

GRAVE = frozenset({"Bounce", "Complaint", "Reject", "Unsubscribe failed"})
GOOD = frozenset({"Delivery", "Open", "Click"})

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
MAIL_POLICY = (
    "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline' http: https:; "
    "font-src http: https: data:; media-src http: https: data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
COMMON_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Pages:
    """The HTML pages, for people."""

    reader: Reader
    clock_speed: float = 1.0

    def routes(self) -> list[Route | Mount]:
        return [
            Route("/", self.inbox, methods=["GET"]),
            Route("/delete", self.delete, methods=["POST"]),
            Route("/messages/{id}", self.message, methods=["GET"]),
            Route("/messages/{id}/html", self.html, methods=["GET"]),
            Route("/messages/{id}/links/{number:int}", self.follow, methods=["GET"]),
            Route("/messages/{id}/{action}", self.act, methods=["POST"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]

    async def inbox(self, request: Request) -> Response:
        to = request.query_params.get("to", "")
        mailbox = self.reader.mailbox
        return self.page(
            "inbox.html",
            mails=mailbox.newest(to, MOST_SHOWN),
            accepted=mailbox.accepted,
            problems=mailbox.problems(),
            to=to,
            most_shown=MOST_SHOWN,
        )

    async def delete(self, _request: Request) -> Response:
        self.reader.mailbox.clear()
        return RedirectResponse("/", 303, COMMON_HEADERS)

    async def message(self, request: Request) -> Response:
        try:
            kept = self.reader.find(request.path_params["id"])
        except NotFound as error:
            return self.message_page("No such mail", str(error), status=404)
        view = request.query_params.get("view", "html" if kept.mail.html else "text")
        return self.page(
            "message.html",
            kept=kept,
            mail=kept.mail,
            links=links_of(kept.mail),
            source=kept.mail.source.decode("utf-8", "replace"),
            view=view if view in VIEWS else "html",
            views=VIEWS,
            unsubscribe_address=unsubscribe_address(kept.mail),
        )

    async def html(self, request: Request) -> Response:
        """The e-mail itself. Links that SES would track lead through the inbox."""
        try:
            mail = self.reader.find(request.path_params["id"]).mail
        except NotFound as error:
            return PlainTextResponse(str(error), 404, COMMON_HEADERS)

        def address(link: Link) -> str | None:
            tracked = mail.track_clicks and link.tracked
            return f"/messages/{quote(mail.id)}/links/{link.number}" if tracked else None

        headers = {**COMMON_HEADERS, "Content-Security-Policy": MAIL_POLICY}
        return HTMLResponse(with_links_to(mail.html, address), headers=headers)

    async def follow(self, request: Request) -> Response:
        """Record a click, then show the link's target instead of following it."""
        try:
            mail = self.reader.find(request.path_params["id"]).mail
            link = link_of(mail, request.path_params["number"])
        except NotFound as error:
            return self.message_page("No such link", str(error), status=404)
        seen = await self.reader.click(mail, link)
        return self.page("link.html", mail=mail, link=link, seen=seen, safe=is_safe(link.url))

    async def act(self, request: Request) -> Response:
        try:
            mail = self.reader.find(request.path_params["id"]).mail
            outcome = await self.perform(mail, request.path_params["action"], await form(request))
        except NotFound as error:
            return self.message_page("Not found", str(error), status=404)
        except NotOffered as error:
            return self.message_page("No one-click unsubscribe", str(error), mail, status=409)
        if isinstance(outcome, Answer):
            return self.page("unsubscribed.html", mail=mail, answer=outcome)
        if not outcome.published:
            return self.message_page("Nothing was reported", outcome.reason, mail)
        return RedirectResponse(f"/messages/{quote(mail.id)}", 303, COMMON_HEADERS)

    async def perform(self, mail: Mail, action: str, given: dict[str, str]) -> Seen | Answer:
        match action:
            case "open":
                return await self.reader.open(mail)
            case "click":
                number = given.get("number", "0")
                link = link_of(mail, int(number) if number.isdecimal() else 0)
                return await self.reader.click(mail, link)
            case "bounce":
                return await self.reader.bounce(mail)
            case "complain":
                return await self.reader.complain(mail)
            case "unsubscribe":
                return await self.reader.unsubscribe(mail)
            case unknown:
                raise NotFound(f"There is no action {unknown!r} on a mail.")

    def message_page(
        self, title: str, words: str, mail: Mail | None = None, status: int = 200
    ) -> Response:
        return self.page("words.html", status=status, title=title, words=words, mail=mail)

    def page(self, template: str, *, status: int = 200, **values: object) -> Response:
        mailbox = self.reader.mailbox
        common = {"now": self.reader.now(), "speed": self.clock_speed, "changes": mailbox.changes}
        html = templates.get_template(template).render(**common, **values)
        headers = {**COMMON_HEADERS, "Content-Security-Policy": PAGE_POLICY}
        return HTMLResponse(html, status, headers)


async def form(request: Request) -> dict[str, str]:
    fields = parse_qs((await request.body()).decode("utf-8", "replace"))
    return {name: values[-1] for name, values in fields.items()}


def unsubscribe_address(mail: Mail) -> str:
    try:
        return one_click_address(mail)
    except NotOffered:
        return ""


def is_safe(url: str) -> bool:
    """Whether the inbox may offer the link: no scripts, no data, no files."""
    try:
        return urlsplit(url).scheme.lower() in GOOD_SCHEMES
    except ValueError:
        return False


def weight(kind: str) -> str:
    """The style of a badge: grave, good or plain."""
    return "grave" if kind in GRAVE else "good" if kind in GOOD else "plain"


def day(instant: datetime) -> str:
    return f"{instant:%a} {instant.day} {instant:%b %Y}"


def time_of_day(instant: datetime) -> str:
    return f"{instant:%H:%M:%S} UTC"


def day_and_time(instant: datetime) -> str:
    return f"{day(instant)}, {time_of_day(instant)}"


def environment(filters: dict[str, Callable[..., object]]) -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(filters)
    made.globals["shown_tags"] = SHOWN_TAGS
    return made


templates = environment(
    {"weight": weight, "day": day, "time_of_day": time_of_day, "day_and_time": day_and_time}
)
