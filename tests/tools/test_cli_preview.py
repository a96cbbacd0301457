"""`milepost preview` renders a mail before it is sent."""

import json
from pathlib import Path

import pytest

from milepost.outbound import https
from milepost.outbound.request import OutboundRequest, OutboundResponse, RequestFailed
from milepost_tools.cli import preview
from tests.support.builders import Content, settings, template
from tests.support.commands import Answer, milepost, write

BODY = "Hello {% if contact.first_name %}{{ contact.first_name }}{% endif %}, order {{ event.ref }}"
TWO = ("en", "fa")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    files = {"settings.json": settings(), **template("mail", body=BODY)}
    return write(tmp_path / "acme", files)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that the browser was asked to open."""
    files: list[Path] = []

    def show(file: Path) -> bool:
        files.append(file)
        return True

    monkeypatch.setattr(preview, "open_in_browser", show)
    return files


def look(store: Path, *more: object, name: str = "mail") -> Answer:
    return milepost("preview", store / "templates" / name, "--check", *more)


def test_preview_prints_subject_sizes_and_text(store: Path) -> None:
    answer = look(store, "--set", "ref=A-7")
    assert answer.code == 0
    assert answer.lines[0] == "en: About mail"
    assert "HTML 0." in answer.lines[2]
    assert "  | Hello Robin, order A-7" in answer.lines
    assert "advice: preheader: is missing" in answer.out


def test_preview_reads_contact_from_file(store: Path, tmp_path: Path) -> None:
    (tmp_path / "who.json").write_text(json.dumps({"first_name": "Zoé"}))
    assert "Hello Zoé" in look(store, "--set", "ref=1", "--contact", tmp_path / "who.json").out
    (tmp_path / "who.json").write_text("{}")
    assert (
        "| Hello , order" in look(store, "--set", "ref=1", "--contact", tmp_path / "who.json").out
    )


def test_preview_contact_can_have_lists_and_stage(tmp_path: Path) -> None:
    body = (
        "{% if contact.lists.vip %}A guest{% endif %} who is a {{ contact.stage | default('-') }}"
    )
    store = write(tmp_path, {"settings.json": settings(), **template("mail", body=body)})
    who = {"lists": ["vip"], "stage": "customer", "frequency": "weekly"}
    (tmp_path / "who.json").write_text(json.dumps(who))
    answer = look(store, "--contact", tmp_path / "who.json")
    assert "A guest who is a customer" in answer.out


def test_preview_refuses_unknown_contact_field(store: Path, tmp_path: Path) -> None:
    (tmp_path / "who.json").write_text(json.dumps({"firstname": "Zoé"}))
    answer = look(store, "--contact", tmp_path / "who.json")
    assert answer.code == 1
    assert 'did you mean "first_name"?' in answer.out


def test_preview_reads_event_data_from_file_and_overrides_values(
    store: Path, tmp_path: Path
) -> None:
    (tmp_path / "event.json").write_text(json.dumps({"ref": "B-1"}))
    assert "order B-1" in look(store, "--event", tmp_path / "event.json").out
    event = ("--event", tmp_path / "event.json", "--set", "ref=B-2")
    assert "order B-2" in look(store, *event).out


def test_preview_reports_all_missing_values_and_shows_their_names(tmp_path: Path) -> None:
    body = "{{ event.ref }} {{ event.parcel.number }}"
    files = {"settings.json": settings(), **template("mail", body=body)}
    store = write(tmp_path, files)
    answer = look(store, "--set", "parcel={}")
    assert answer.code == 1
    assert (
        "  wrong: html: event.ref is missing (give it with --set ref=…, or write "
        'event.ref | default("…"))'
    ) in answer.lines
    assert "event.parcel.number is missing" in answer.out
    assert "  | [event.ref] [event.parcel.number]" in answer.lines


def test_missing_value_inside_loop_is_reported_without_mail(tmp_path: Path) -> None:
    files = {"settings.json": settings(), **template("mail", body="{{ event.due | money('EUR') }}")}
    answer = look(write(tmp_path, files), "--set", "due=soon")
    assert answer.code == 1
    assert answer.lines == ["  wrong: html: a value is not an amount"]


@pytest.fixture
def translated(tmp_path: Path) -> Path:
    files = template("mail", subject="{{ t.subject }}", body="{{ t.hello }}")
    words = {"en": "Hello", "fa": "درود"}
    for locale in TWO:
        texts = {"subject": words[locale], "hello": words[locale]}
        files[f"templates/mail/strings.{locale}.json"] = texts
    return write(tmp_path, {"settings.json": settings(locales=list(TWO)), **files})


def test_preview_chooses_language_like_a_send(translated: Path) -> None:
    assert look(translated, "--locale", "fa-IR").lines[0] == "fa: درود"
    assert look(translated).lines[0] == "en: Hello"
    assert look(translated, "--locale", "de").lines[0] == "en: Hello"


def test_preview_shows_all_languages(translated: Path) -> None:
    answer = look(translated, "--all", "--json")
    assert [each["locale"] for each in answer.json["languages"]] == ["en", "fa"]
    assert [each["subject"] for each in answer.json["languages"]] == ["Hello", "درود"]


def test_missing_translation_is_reported_with_its_file(translated: Path) -> None:
    file = translated / "templates/mail/strings.fa.json"
    file.write_text(json.dumps({"subject": "درود"}))
    answer = look(translated, "--all")
    assert answer.code == 1
    assert answer.out.startswith(f'{file}: file: has no text "hello"')


def test_preview_is_written_to_given_path(
    translated: Path, tmp_path: Path, opened: list[Path]
) -> None:
    out = tmp_path / "pages"
    answer = milepost("preview", translated / "templates/mail", "--all", "--out", out)
    assert answer.lines[-1] == f"open {out / 'index.html'}"
    assert sorted(file.name for file in out.iterdir()) == [
        "en.html",
        "en.txt",
        "fa.html",
        "fa.txt",
        "index.html",
    ]
    assert "درود" in (out / "fa.txt").read_text("utf-8")
    page = (out / "index.html").read_text("utf-8")
    assert page.count("<iframe sandbox ") == 2 * 4
    assert opened == []


def test_preview_opens_in_browser(store: Path, opened: list[Path]) -> None:
    answer = milepost("preview", store / "templates/mail", "--set", "ref=1")
    assert [file.name for file in opened] == ["index.html"]
    assert opened[0].is_file()
    assert answer.lines[-1] == f"shown in the browser: {opened[0]}"


def test_preview_prints_path_without_browser(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "open_in_browser", lambda _: False)
    answer = milepost("preview", store / "templates/mail", "--set", "ref=1")
    assert answer.lines[-1].startswith("there is no browser here: open ")


def test_preview_finds_template_by_name(store: Path) -> None:
    answer = milepost("preview", "mail", "--store", store, "--check", "--set", "ref=1")
    assert answer.lines[0] == "en: About mail"
    inside = store / "templates" / "mail" / "subject.txt"
    assert milepost("preview", inside, "--check", "--set", "ref=1").code == 0


def test_unknown_template_name_suggests_nearest(store: Path) -> None:
    answer = milepost("preview", "mial", "--store", store)
    assert answer.code == 2
    assert "is no template of the store in" in answer.err
    assert 'did you mean "mail"?' in answer.err
    assert milepost("preview", store / "settings.json").code == 2


def test_preview_reports_template_error_with_its_line(tmp_path: Path) -> None:
    files = {"settings.json": settings(), **template("mail", body="{{ event.total | moeny }}")}
    store = write(tmp_path, files)
    answer = look(store)
    assert answer.code == 1
    assert answer.out.startswith(f"{store / 'templates/mail/body.html'}: line 1: ")
    assert 'did you mean "money"?' in answer.out


def test_preview_works_despite_settings_error(tmp_path: Path) -> None:
    files = {"settings.json": settings(currency="euro"), **template("mail")}
    assert look(write(tmp_path, files)).lines[0] == "en: About mail"


def test_missing_unsubscribe_link_is_advice_in_preview(tmp_path: Path) -> None:
    files: dict[str, Content] = {
        "settings.json": settings(),
        "templates/bill/subject.txt": "Your bill",
        "templates/bill/body.html": "<html><body><p>Paid.</p></body></html>",
    }
    answer = look(write(tmp_path, files), name="bill")
    assert answer.code == 0
    assert "not for marketing: templates/bill: body in en, text part in en: has no unsubscribe" in (
        answer.out
    )


def test_mail_text_cannot_send_terminal_escapes(store: Path) -> None:
    answer = look(store, "--set", "ref=\x1b[31m", "--json")
    assert "\x1b" not in answer.out
    assert "\x1b" not in look(store, "--set", "ref=\x1b[31m").out


def test_preview_calls_links_only_with_check_links(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Net:
        """Answers 404 to one page; every other page is unreachable."""

        def call(self, request: OutboundRequest) -> OutboundResponse | RequestFailed:
            asked.append(f"{request.method} {request.url}")
            if "/cart?utm_source=milepost&" in request.url:
                return OutboundResponse(404, {})
            return RequestFailed("the host leads to an address that is not public")

    monkeypatch.setattr(https, "HttpsOutbound", Net)
    look(store, "--set", "ref=1")
    assert asked == []
    answer = look(store, "--set", "ref=1", "--check-links")
    (call,) = asked
    assert call.startswith("GET https://shop.example/cart?"), "our own links are made up"
    assert answer.code == 1
    assert "wrong: links: https://shop.example/cart?utm_source=milepost&" in answer.out
    assert "answers 404" in answer.out


def test_preview_renders_like_a_send(tmp_path: Path) -> None:
    body = "{{ contact.properties.size | default('-') }} {{ enrollment.workflow }} {{ urls.view }}"
    store = write(tmp_path, {"settings.json": settings(), **template("mail", body=body)})
    (tmp_path / "who.json").write_text(json.dumps({"properties": {"size": "M"}}))
    answer = look(store, "--contact", tmp_path / "who.json")
    assert "M preview https://links.example/v1/preview/view/example" in answer.out
