import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base.addresses import normalize_email, normalize_phone


@pytest.mark.parametrize(
    ("written", "normalized"),
    [
        ("maren.holt@example.com", "maren.holt@example.com"),
        ("  Maren.Holt@Example.COM\n", "maren.holt@example.com"),
        ("o'neil+shop@mail.example.co.uk", "o'neil+shop@mail.example.co.uk"),
        ("info@bücher.example", "info@xn--bcher-kva.example"),
        ("info@XN--BCHER-KVA.example", "info@xn--bcher-kva.example"),
        ("info@例え.テスト", "info@xn--r8jz45g.xn--zckzah"),
        ("a@b1.example", "a@b1.example"),
    ],
)
def test_email_normalizes_to_one_spelling(written: str, normalized: str) -> None:
    assert normalize_email(written) == normalized


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        "   ",
        "maren",
        "@example.com",
        "maren@",
        "maren@localhost",
        "maren@@example.com",
        "maren@holt@example.com",
        "maren holt@example.com",
        "maren@exam ple.com",
        "maren@example.com\r\nbcc: eve@example.org",
        "maren\x00@example.com",
        "maren,eve@example.com",
        "Maren Holt <maren@example.com>",
        '"maren holt"@example.com',
        ".maren@example.com",
        "maren.@example.com",
        "ma..ren@example.com",
        "maren@example..com",
        "maren@.example.com",
        "maren@example.com.",
        "maren@-example.com",
        "maren@example-.com",
        "maren@exam_ple.com",
        "maren@192.0.2.7",
        "maren@[192.0.2.7]",
        "mären@example.com",
        "maren@" + "a" * 64 + ".example",
        "m" * 65 + "@example.com",
        "maren@" + "a." * 125 + "example",
        "maren@" + "ü" * 100_000 + ".example",
        "maren@\ud800.example",
        "maren@examp\uff20le.com",
    ],
)
def test_undeliverable_email_normalizes_to_none(written: str | None) -> None:
    assert normalize_email(written) is None


@pytest.mark.parametrize(
    ("written", "normalized"),
    [
        ("info@stra\u00dfe.example", "info@xn--strae-oqa.example"),
        ("info@STRA\u1e9eE.example", "info@xn--strae-oqa.example"),
        ("info@\u03b2\u03cc\u03bb\u03bf\u03c2.example", "info@xn--nxasmm1c.example"),
        ("info@\u0392\u038c\u039b\u039f\u03a3.example", "info@xn--nxasmq6b.example"),
        ("info@b\u00fccher\uff0eexample\u3002com", "info@xn--bcher-kva.example.com"),
    ],
)
def test_domain_becomes_punycode_as_in_browsers(written: str, normalized: str) -> None:
    """IDNA 2003, which Python's codec speaks, would name another domain for the first three."""
    assert normalize_email(written) == normalized


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
def test_domain_with_zero_width_joiner_is_refused(joiner: str) -> None:
    """One IDNA standard drops it and the other keeps it: mail might reach a stranger."""
    assert normalize_email(f"info@\u0646\u0627\u0645\u0647{joiner}\u0627\u06cc.example") is None


def test_email_of_254_characters_is_accepted_and_255_refused() -> None:
    domain = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 56])
    longest = f"local@{domain}"
    assert len(longest) == 254
    assert normalize_email(longest) == longest
    assert normalize_email("x" + longest) is None


@pytest.mark.parametrize(
    ("written", "normalized"),
    [
        ("+4915123456789", "+4915123456789"),
        (" +49 151 234-567.89 ", "+4915123456789"),
        ("+1 (514) 555-0142", "+15145550142"),
        ("0049 151/23456789", "+4915123456789"),
        ("+47\u00a055 51\u201312 34", "+4755511234"),
    ],
)
def test_phone_number_normalizes_to_e164(written: str, normalized: str) -> None:
    assert normalize_phone(written) == normalized


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        "+",
        "514-555-0142",
        "+0151234567",
        "+1234567",
        "+1234567890123456",
        "+44 (0)20 7946 0123",
        "555-555-SHIP",
        "+49 151 23456789 ext 4",
        "++4915123456789",
        "+٤٩١٥١٢٣٤٥٦٧",
    ],
)
def test_ambiguous_phone_number_normalizes_to_none(written: str | None) -> None:
    assert normalize_phone(written) is None


anything = st.text() | st.text(alphabet="aZ9@.+-_ üßİ。\u200d\uff20'\"", max_size=40)
addresses = st.builds("{}@{}.{}".format, anything, anything, anything) | st.emails() | anything


@given(addresses)
def test_email_normalization_is_idempotent_and_never_raises(text: str) -> None:
    once = normalize_email(text)
    if once is not None:
        assert normalize_email(once) == once
        assert once.isascii()
        assert once == once.lower()
        assert once.count("@") == 1
        assert len(once) <= 254
        assert not set(once) & set(' \t\r\n<>,;:"()[]\\')


@given(st.text(alphabet="0123456789+ ()-./x\u2013") | st.text())
def test_phone_normalization_is_idempotent_and_never_raises(text: str) -> None:
    once = normalize_phone(text)
    if once is not None:
        assert normalize_phone(once) == once
        assert once[0] == "+"
        assert 8 <= len(once) - 1 <= 15
        assert once[1:].isascii()
        assert once[1:].isdigit()
