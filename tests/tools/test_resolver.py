"""DNS queries to a name server of the test."""

import socket
from collections.abc import Iterator
from threading import Thread

import pytest
from dns.message import from_wire, make_response
from dns.rcode import NXDOMAIN, SERVFAIL
from dns.resolver import Resolver
from dns.rrset import from_text

from milepost_tools.doctor.ports import CannotAskError
from milepost_tools.doctor.resolver import DnsRecords

ZONE = {
    ("_dmarc.shop.example.", "TXT"): ['"v=DMARC1;" " p=none"', '"caf\\195\\169"'],
    ("bounce.shop.example.", "MX"): ["10 feedback-smtp.eu-west-1.amazonses.com."],
    ("t._domainkey.shop.example.", "CNAME"): ["t.dkim.amazonses.com."],
    ("shop.example.", "A"): ["192.0.2.1"],
}


def answer(wire: bytes) -> bytes:
    query = from_wire(wire)
    question = query.question[0]
    name, kind = question.name.to_text(), question.rdtype.name
    response = make_response(query)
    if name.startswith("broken."):
        response.set_rcode(SERVFAIL)
    elif records := ZONE.get((name, kind)):
        response.answer.append(from_text(name, 60, "IN", kind, *records))
    elif not any(known == name for known, _ in ZONE):
        response.set_rcode(NXDOMAIN)
    return response.to_wire()


@pytest.fixture
def records() -> Iterator[DnsRecords]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                wire, sender = server.recvfrom(4096)
                if not wire:
                    return
                server.sendto(answer(wire), sender)

        thread = Thread(target=serve)
        thread.start()
        resolver = Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = server.getsockname()[1]
        yield DnsRecords(resolver)
        server.sendto(b"", server.getsockname())
        thread.join()


def test_txt_record_parts_are_joined(records: DnsRecords) -> None:
    assert records.texts("_dmarc.shop.example") == ["café", "v=DMARC1; p=none"]


def test_mx_and_cname_records_are_names(records: DnsRecords) -> None:
    assert records.exchangers("bounce.shop.example") == ["feedback-smtp.eu-west-1.amazonses.com."]
    assert records.aliases("t._domainkey.shop.example") == ["t.dkim.amazonses.com."]


def test_missing_name_has_no_records(records: DnsRecords) -> None:
    assert records.texts("nowhere.example") == []
    assert records.texts("shop.example") == [], "the name is there, and has no such record"


def test_failing_dns_server_raises_cannot_ask(records: DnsRecords) -> None:
    with pytest.raises(CannotAskError, match=r"DNS does not answer for broken\.shop\.example"):
        records.texts("broken.shop.example")


def test_invalid_dns_name_raises_cannot_ask(records: DnsRecords) -> None:
    with pytest.raises(CannotAskError):
        records.texts("a" * 64 + ".example")
