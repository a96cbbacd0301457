"""A workflow's URL never reaches an internal address: not by spelling, DNS or redirects."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from socket import gaierror, socket

import pytest

from milepost.outbound.https import HttpsOutbound
from milepost.outbound.request import OutboundRequest, RequestFailed, check_url
from tests.support.tls import HOST, trusting

METADATA = "169.254.169.254"
CALL = OutboundRequest(f"https://{HOST}/crm", "POST", {}, b"{}")


@dataclass
class Network:
    """A resolver with prepared answers; records the resolved names and the calls."""

    answers: Sequence[Sequence[str]]
    asked: list[str] = field(default_factory=list)
    called: list[tuple[str, int]] = field(default_factory=list)

    def resolve(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]

    def connect(self, address: str, port: int, _: float) -> socket:
        self.called.append((address, port))
        raise ConnectionRefusedError

    def outbound(self) -> HttpsOutbound:
        return HttpsOutbound(self.resolve, trusting(), connect=self.connect)


URLS = {
    "no https": f"http://{HOST}/",
    "no scheme": f"//{HOST}/",
    "one slash": f"https:/{HOST}/",
    "no slash": f"https:{HOST}/",
    "three slashes": f"https:///{HOST}/",
    "backslashes": f"https:\\\\{HOST}\\",
    "file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "jar": f"jar:https://{HOST}!/",
    "view-source": f"view-source:https://{HOST}/",
    "empty": "",
    "scheme alone": "https://",
    "blank before": f" https://{HOST}/",
    "blank after": f"https://{HOST}/ ",
    "newline after": f"https://{HOST}/\n",
    "address": "https://127.0.0.1/",
    "public address": "https://8.8.8.8/",
    "metadata": f"https://{METADATA}/latest/meta-data/",
    "container credentials": "https://169.254.170.2/v2/credentials",
    "runtime": "https://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
    "decimal": "https://2852039166/",
    "hexadecimal": "https://0xa9fea9fe/",
    "octal": "https://025177524776/",
    "dotted hexadecimal": "https://0xa9.0xfe.0xa9.0xfe/",
    "dotted octal": "https://0251.0376.0251.0376/",
    "mixed": "https://0xa9.254.0251.254/",
    "two parts": "https://127.1/",
    "three parts": "https://127.0.1/",
    "zero": "https://0/",
    "zeros": "https://0.0.0.0/",
    "too many zeros": "https://0127.0000.0000.0001/",
    "dot at the end of an address": "https://127.0.0.1./",
    "hexadecimal end": "https://a.b.0x7f000001/",
    "number at the end": "https://harborline.1/",
    "letter at the end": "https://harborline.a/",
    "overflow": "https://4294967297/",
    "full-width digits": "https://１２７.０.０.１/",
    "digits in circles": "https://①②⑦.⓪.⓪.①/",
    "Arabic digits": "https://١٢٧.٠.٠.١/",
    "mathematical letters": "https://𝗹𝗼𝗰𝗮𝗹𝗵𝗼𝘀𝘁/",
    "ideographic dots": "https://127。0。0。1/",
    "full-width dots": "https://169．254．169．254/",
    "half-width dots": "https://hooks｡internal/",
    "soft hyphen": "https://local\u00adhost.example/",
    "zero-width": "https://hooks\u200b.harborline.example/",
    "right to left": "https://hooks\u202e.harborline.example/",
    "sign that becomes a/c": "https://harborline.ex℀mple.example/",
    "sign that becomes a slash": "https://harborline／.example/",
    "percent in the host": "https://%6c%6f%63%61%6c%68%6f%73%74/",
    "percent-encoded dot": "https://127%2e0%2e0%2e1/",
    "percent-encoded NUL": f"https://127.0.0.1%00.{HOST}/",
    "IPv6 loopback": "https://[::1]/",
    "IPv6 unspecified": "https://[::]/",
    "IPv6 mapped": f"https://[::ffff:{METADATA}]/",
    "IPv6 mapped in hexadecimal": "https://[::ffff:a9fe:a9fe]/",
    "IPv6 compatible": "https://[::127.0.0.1]/",
    "IPv6 with a zone": "https://[fe80::1%25eth0]/",
    "IPv6 metadata": "https://[fd00:ec2::254]/",
    "IPv6 without brackets": "https://::1/",
    "IPv6 of the future": "https://[v1.fe80::a]/",
    "localhost": "https://localhost/",
    "localhost in capitals": "https://LOCALHOST/",
    "localhost with a dot": "https://localhost./",
    "below localhost": "https://hooks.localhost/",
    "localdomain": "https://localhost.localdomain/",
    "EC2's own name": "https://instance-data.ec2.internal/",
    "Google's own name": "https://metadata.google.internal/",
    "dot local": "https://printer.local/",
    "single label": "https://metadata/",
    "dot at the end": f"https://{HOST}./",
    "two dots": "https://hooks..example/",
    "dot in front": f"https://.{HOST}/",
    "underscore": "https://_hooks.harborline.example/",
    "hyphen at the end": "https://hooks-.harborline.example/",
    "label too long": f"https://{'a' * 64}.example/",
    "host too long": f"https://{'a.' * 130}example/",
    "URL too long": f"https://{HOST}/{'a' * 3000}",
    "user": f"https://{HOST}@127.0.0.1/",
    "user and password": "https://a:b@hooks.harborline.example/",
    "empty user": f"https://@{HOST}/",
    "two ats": f"https://a@127.0.0.1@{HOST}/",
    "backslash before at": f"https://127.0.0.1\\@{HOST}/",
    "hash before at": f"https://127.0.0.1#@{HOST}/",
    "question before at": f"https://127.0.0.1?@{HOST}/",
    "slash before at": f"https://127.0.0.1/@{HOST}/",
    "encoded at": f"https://{HOST}%40127.0.0.1/",
    "fragment": f"https://{HOST}/#x",
    "fragment at once": f"https://{HOST}#.harborline.example/",
    "port 22": f"https://{HOST}:22/",
    "port 80": f"https://{HOST}:80/",
    "port 8443": f"https://{HOST}:8443/",
    "empty port": f"https://{HOST}:/",
    "padded port": f"https://{HOST}:0443/",
    "port with a sign": f"https://{HOST}:+443/",
    "full-width port": f"https://{HOST}:４４３/",
    "port too large": f"https://{HOST}:65979/",
    "two ports": f"https://{HOST}:443:22/",
    "port of another": f"https://{HOST}:443@127.0.0.1/",
    "CR LF in the path": f"https://{HOST}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "CR LF in the host": f"https://{HOST}\r\nX: y/",
    "newline in the query": f"https://{HOST}/?a=\nb",
    "tab in the host": "https://127.0.\t0.1/",
    "NUL": f"https://{HOST}\x00.evil.example/",
    "U+2028": f"https://{HOST}/\u2028",
    "U+010D U+010A": f"https://{HOST}/\u010d\u010aX",
    "blank in the path": f"https://{HOST}/a b",
    "lone percent": f"https://{HOST}/%",
    "bad percent": f"https://{HOST}/%zz",
    "half a surrogate": f"https://{HOST}/\ud800",
}


@pytest.mark.parametrize("url", URLS.values(), ids=URLS.keys())
def test_malicious_url_is_neither_resolved_nor_called(url: str) -> None:
    network = Network([["8.8.8.8"]])
    reason = check_url(url)
    assert reason
    assert network.outbound().call(CALL._replace(url=url)) == RequestFailed(reason)
    assert (network.asked, network.called) == ([], [])


def test_refused_url_is_not_in_error_text() -> None:
    """The URL may contain an address, a name or a key."""
    for name, url in URLS.items():
        reason = check_url(url) or ""
        assert not url or url not in reason, name
        assert reason.isascii(), name


ADDRESSES = {
    "loopback": "127.0.0.1",
    "all of loopback": "127.255.255.254",
    "metadata": METADATA,
    "container credentials": "169.254.170.2",
    "time and names of a VPC": "169.254.169.253",
    "Alibaba's metadata": "100.100.100.200",
    "Oracle's metadata": "192.0.0.192",
    "private 10": "10.0.0.2",
    "private 172": "172.16.0.1",
    "private 172, last": "172.31.255.255",
    "private 192": "192.168.1.1",
    "shared": "100.64.0.1",
    "unspecified": "0.0.0.0",
    "this network": "0.1.2.3",
    "documentation": "192.0.2.1",
    "more documentation": "198.51.100.1",
    "third documentation": "203.0.113.1",
    "benchmarks": "198.19.255.255",
    "6to4 relay": "192.88.99.1",
    "multicast": "224.0.0.1",
    "last multicast": "239.255.255.250",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "IPv6 loopback": "::1",
    "IPv6 unspecified": "::",
    "mapped": "::ffff:127.0.0.1",
    "mapped metadata": "::ffff:a9fe:a9fe",
    "mapped public": "::ffff:8.8.8.8",
    "compatible": "::7f00:1",
    "translated": "::ffff:0:127.0.0.1",
    "NAT64 of metadata": "64:ff9b::a9fe:a9fe",
    "NAT64 of a private one": "64:ff9b::10.0.0.1",
    "NAT64 of loopback": "64:ff9b::127.0.0.1",
    "NAT64 inside": "64:ff9b:1::8.8.8.8",
    "NAT64 inside, of metadata": "64:ff9b:1:a9fe:a9:fe00::",
    "6to4 of loopback": "2002:7f00:1::1",
    "6to4 of metadata": "2002:a9fe:a9fe::",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "Teredo of loopback": "2001::80ff:fffe",
    "ISATAP": "2a05:d018::5efe:10.0.0.1",
    "ISATAP, unique": "2a05:d018::200:5efe:10.0.0.1",
    "unique local": "fc00::1",
    "IPv6 metadata": "fd00:ec2::254",
    "names of a VPC": "fd00:ec2::253",
    "link-local": "fe80::1",
    "link-local with a zone": "fe80::1%eth0",
    "public with a zone": "2606:4700::1111%eth0",
    "site-local": "fec0::1",
    "IPv6 multicast": "ff02::1",
    "IPv6 documentation": "2001:db8::1",
    "new IPv6 documentation": "3fff::1",
    "IPv6 benchmarks": "2001:2::1",
    "ORCHID": "2001:20::1",
    "discard": "100::1",
    "segment routing": "5f00::1",
    "unassigned": "4000::1",
    "no address": "localhost",
    "octal": "0177.0.0.1",
    "short": "127.1",
    "number": "2130706433",
    "empty": "",
    "blank": " 8.8.8.8",
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
@pytest.mark.parametrize("others", [[], ["8.8.8.8"]], ids=["alone", "after a public one"])
def test_name_with_private_address_is_not_called(address: str, others: list[str]) -> None:
    network = Network([[*others, address]])
    answer = network.outbound().call(CALL)
    assert answer == RequestFailed("the host leads to an address that is not public")
    assert network.asked == [HOST]
    assert network.called == []


def test_name_is_resolved_once_per_call() -> None:
    """DNS rebinding: the checked address is the one that is called, whatever DNS answers later."""
    network = Network([["8.8.8.8", "2606:4700::1111"], [METADATA]])
    answer = network.outbound().call(CALL)
    assert answer == RequestFailed("the call broke off: ConnectionRefusedError", retry=True)
    assert network.asked == [HOST]
    assert network.called == [("8.8.8.8", 443), ("2606:4700::1111", 443)]


def test_each_call_checks_address_again() -> None:
    network = Network([["8.8.8.8"], [METADATA]])
    outbound = network.outbound()
    outbound.call(CALL)
    assert outbound.call(CALL) == RequestFailed("the host leads to an address that is not public")
    assert network.called == [("8.8.8.8", 443)]


def test_address_list_changed_after_check_has_no_effect() -> None:
    answers = ["8.8.8.8"]
    network = Network([answers])

    def allowed(_: str) -> bool:
        answers[0] = METADATA
        return True

    HttpsOutbound(network.resolve, trusting(), allowed, network.connect).call(CALL)
    assert network.called == [("8.8.8.8", 443)]


def test_number_of_tried_addresses_is_limited() -> None:
    network = Network([[f"8.8.8.{n}" for n in range(200)]])
    network.outbound().call(CALL)
    assert len(network.called) == 4


@pytest.mark.parametrize(
    "failure",
    [
        gaierror(-2, "Name or service not known"),
        gaierror(-3, "Try again"),
        OSError(),
        ValueError(),
        UnicodeError(),
    ],
)
def test_failed_dns_lookup_can_be_retried(failure: Exception) -> None:
    def resolve(_: str) -> Sequence[str]:
        raise failure

    answer = HttpsOutbound(resolve, trusting()).call(CALL)
    assert isinstance(answer, RequestFailed)
    assert answer.retry


def test_name_without_addresses_is_not_called() -> None:
    network = Network([[]])
    assert network.outbound().call(CALL) == RequestFailed("the host has no address", retry=True)
    assert network.called == []


def test_stalled_resolver_ends_at_timeout() -> None:
    released = threading.Event()

    def resolve(_: str) -> Sequence[str]:
        released.wait(10)
        return ["8.8.8.8"]

    began = time.monotonic()
    answer = HttpsOutbound(resolve, trusting(), seconds=0.2).call(CALL)
    released.set()
    assert answer == RequestFailed("no whole answer in time, which is 0.2 seconds", retry=True)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "request_",
    [
        CALL._replace(headers={"X-A": "b\r\nHost: 127.0.0.1"}),
        CALL._replace(headers={"X-A\r\nHost": "127.0.0.1"}),
        CALL._replace(headers={"X-A": "b\r\n\r\nGET / HTTP/1.1"}),
        CALL._replace(headers={"X-A": "\n"}),
        CALL._replace(headers={"X-A": "b\u2028c"}),
        CALL._replace(headers={"X-A": "b\u010ac"}),
        CALL._replace(headers={"host": "127.0.0.1"}),
        CALL._replace(headers={"Transfer-Encoding": "chunked"}),
        CALL._replace(headers={"content-length": "0"}),
        CALL._replace(headers={"Connection": "Upgrade"}),
        CALL._replace(headers={"Proxy-Connection": "x"}),
        CALL._replace(method="GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET"),
        CALL._replace(method="CONNECT"),
        CALL._replace(idempotency_key="a\r\nHost: 127.0.0.1"),
        CALL._replace(signature="t=1,v1=a\r\nHost: 127.0.0.1"),
    ],
    ids=range(15),
)
def test_value_cannot_inject_a_request_line(request_: OutboundRequest) -> None:
    network = Network([["8.8.8.8"]])
    answer = network.outbound().call(request_)
    assert isinstance(answer, RequestFailed)
    assert not answer.retry
    assert (network.asked, network.called) == ([], [])
