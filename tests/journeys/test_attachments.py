"""Attachments: transactional mail has the right file or fails; a visitor cannot choose a file."""

from typing import Any

import pytest

from milepost.sending.attachments import MAX_BYTES, attachment_path, check_path
from tests.journeys.visits import visited, world_of
from tests.support.builders import STORE, Json, send, shop, text, workflow
from tests.support.world import World

PDF = b"%PDF-1.7 an invoice"
INVOICE = "invoices/{event.order.id}.pdf"
MAIL = send("receipt", attachments=[INVOICE, "terms.pdf"])


def world(**files: bytes) -> World:
    new_world = world_of(MAIL, send("next"))
    files_by_path = {"invoices/1001.pdf": PDF, "terms.pdf": PDF} | {
        name.replace("__", "/") + ".pdf": content for name, content in files.items()
    }
    new_world.attachments.held.update(
        {(STORE, path): content for path, content in files_by_path.items()}
    )
    return new_world


def failed(world: World) -> str:
    assert world.steps_mailed() == ["next"]
    status, reason = world.messages()["receipt"]
    assert status == "failed"
    return reason.removeprefix("receipt (attachments): ")


def test_receipt_carries_the_invoice_of_its_order() -> None:
    mailed = visited(world(), {"order": {"id": 1001}})
    (mail, other) = mailed.mails
    assert [(f.name, f.kind, f.content) for f in mail.files] == [
        ("1001.pdf", "application/pdf", PDF),
        ("terms.pdf", "application/pdf", PDF),
    ]
    assert other.files == ()


START = {"id": "go", "type": "start_workflow", "workflow": "receipt"}
EMIT = {
    "id": "tell",
    "type": "emit_event",
    "event": "Paid",
    "properties": {"order": {"from": "event.order"}},
}


@pytest.mark.parametrize("name", ["Product Viewed", "Ordered"])
@pytest.mark.parametrize("by", [START, EMIT], ids=["start_workflow", "emit_event"])
def test_visitor_event_cannot_choose_a_file_through_another_workflow(by: Json, name: str) -> None:
    mails: Json = {"title": "Receipt", "category": "transactional", "steps": [MAIL]}
    trigger = {"type": "manual"} if by is START else {"type": "event", "event": "Paid"}
    new_world = World()
    new_world.publish(shop(receipt={**mails, "trigger": trigger}))
    new_world.publish({"workflows/view.json": workflow(by, on=name, category="transactional")})
    new_world.attachments.held.update(
        {(STORE, "invoices/1001.pdf"): PDF, (STORE, "terms.pdf"): PDF}
    )
    new_world.event(name, {"order": {"id": 1001}})
    new_world.run_for(hours=1)
    if name == "Ordered":
        assert new_world.steps_mailed() == ["receipt"]
    else:
        status, reason = new_world.messages()["receipt"]
        assert (new_world.mails, status) == ([], "failed")
        assert "would be chosen by a visitor" in reason


@pytest.mark.parametrize(
    ("files", "data", "reason"),
    [
        ({}, {"order": {"id": "1002"}}, f'there is no file "attachments/{INVOICE}"'),
        ({}, {}, f'"{INVOICE}" cannot be filled in: the event has no such name of a file'),
        (
            {},
            {"order": {"id": "../terms"}},
            f'"{INVOICE}" cannot be filled in: the event has no such name of a file',
        ),
        ({"terms": b"<html>"}, {"order": {"id": "1001"}}, '"terms.pdf" is no PDF file'),
        ({"terms": b""}, {"order": {"id": "1001"}}, '"terms.pdf" is no PDF file'),
        (
            {"terms": PDF + b"x" * MAX_BYTES},
            {"order": {"id": "1001"}},
            '"terms.pdf" is larger than 5 MB',
        ),
        (
            {"terms": PDF + b"x" * (MAX_BYTES - 30)},
            {"order": {"id": "1001"}},
            "the files are larger than 5 MB together",
        ),
    ],
)
def test_mail_with_missing_or_bad_file_fails_and_reason_shows_no_value(
    files: dict[str, bytes], data: Json, reason: str
) -> None:
    assert failed(visited(world(**files), data)) == reason


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "%2e%2e",
        "a.pdf",
        "a b",
        "é",
        "a\n",
        "-a",
        "x" * 101,
        True,
        1.5,
        None,
        [],
        {"id": 1},
        "{event.x}",
        "a\x00",
    ],
)
def test_unsafe_event_value_gives_no_attachment_path(value: Any) -> None:
    assert attachment_path("invoices/{event.id}.pdf", {"id": value}) is None


@pytest.mark.parametrize(
    "path",
    [
        "/a.pdf",
        "../a.pdf",
        "a/../b.pdf",
        "a//b.pdf",
        "a",
        "a.exe",
        "a.html",
        "a.pdf.zip",
        "a b.pdf",
        "{contact.email}.pdf",
        "{event.id}",
        "{event}.pdf",
        "a.{event.kind}",
        "https://x.example/a.pdf",
        ".hidden.pdf",
        "a\\b.pdf",
        "{event.id.pdf",
        "é.pdf",
    ],
)
def test_unsafe_attachment_path_is_rejected(path: str) -> None:
    assert check_path(path)


def test_safe_attachment_paths_are_accepted_and_filled_in() -> None:
    for path in ("terms.pdf", "a/b-c_d/E.PNG", "{event.id}.ics", "i/{event.a.b_c}-{event.d}.jpg"):
        assert check_path(path) == ""
    assert attachment_path("i/{event.a}-{event.b}.pdf", {"a": 7, "b": "x_Y-1"}) == "i/7-x_Y-1.pdf"


def refused(document: Json) -> list[str]:
    new_world = World()
    new_world.publish(shop())
    new_world.files.write(STORE, "workflows/w.json", text(document))
    (report,) = new_world.publisher.publish(STORE, ["workflows/w.json"])
    return [f"{p.location}: {p.reason}" for p in report.problems]


def test_publish_refuses_files_in_marketing_and_files_chosen_by_visitors() -> None:
    own = {"category": "transactional"}
    assert refused(workflow(send("a", attachments=["a.pdf"]))) == [
        "steps[0].attachments: marketing carries no files"
    ]
    assert refused(workflow(send("a", attachments=["a.exe"]), **own)) == [
        'steps[0].attachments[0]: "a.exe" is no file of a kind that may be attached: '
        "pdf, png, jpg, jpeg, ics, csv, txt"
    ]
    visitors = "a visitor of your pages could ask for any file: they choose this event"
    problem = f"steps[0].attachments[0]: {visitors}"
    for on in ("Product Viewed", "Form Submitted"):
        document = workflow(send("a", attachments=["{event.id}.pdf"]), on=on, **own)
        assert refused(document) == [problem]
        assert refused(workflow(send("a", attachments=["guide.pdf"]), on=on, **own)) == []
    form = {"type": "form", "form": "footer"}
    document = workflow(send("a", attachments=["{event.id}.pdf"]), trigger=form, **own)
    assert problem in refused(document)
