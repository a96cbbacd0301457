import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base.signatures import (
    AuthenticationFailed,
    check_bearer,
    check_request,
    check_signature,
    sign_body,
    sign_request,
)

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
BODY = b'{"event": "Checkout Started"}'
any_text = st.text() | st.text(alphabet="tv01=, é٣", max_size=40)


def code(denied: AuthenticationFailed | None) -> str | None:
    return denied.code if denied else None


def test_v1_header_has_time_and_hmac_of_time_and_body() -> None:
    """A shop's code must compute the same: HMAC-SHA256 of `<seconds>.<body>`, in hex."""
    assert sign_body(b"{}", "key", datetime(2026, 11, 22, tzinfo=UTC)) == (
        "t=1795305600,v1=31184cefdc1131b59c342b90b809d07d881cf56f6dd6794b3fe8946443bf9ed5"
    )


@given(st.binary(max_size=200), st.text(min_size=1, max_size=40).filter(str.isascii))
def test_signed_body_is_accepted_with_any_live_key(body: bytes, key: str) -> None:
    assert check_signature(sign_body(body, key, NOW), body, [key], NOW) is None
    assert check_signature(sign_body(body, key, NOW), body, ["another", key], NOW) is None


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_signature_of_another_body_is_refused(body: bytes, other: bytes) -> None:
    if body != other:
        assert (
            code(check_signature(sign_body(body, "key", NOW), other, ["key"], NOW))
            == "bad_signature"
        )


def test_changed_time_invalidates_signature() -> None:
    old = sign_body(BODY, "key", NOW - timedelta(hours=1))
    renewed = old.replace(old.partition(",")[0], sign_body(BODY, "key", NOW).partition(",")[0])
    assert code(check_signature(renewed, BODY, ["key"], NOW)) == "bad_signature"


@pytest.mark.parametrize(
    ("seconds", "denied"),
    [(-301, "old_signature"), (-300, None), (0, None), (300, None), (301, "old_signature")],
)
def test_signature_is_valid_for_five_minutes_either_way(seconds: int, denied: str | None) -> None:
    header = sign_body(BODY, "key", NOW + timedelta(seconds=seconds))
    assert code(check_signature(header, BODY, ["key"], NOW)) == denied


@pytest.mark.parametrize(
    "seconds", ["", "-1", "1.5", "soon", "1" * 13, "9" * 5000, "１７９５３３９８００"]
)
def test_malformed_time_is_refused_even_if_signed(seconds: str) -> None:
    genuine = hmac.new(b"key", seconds.encode() + b"." + BODY, sha256).hexdigest()
    denied = check_signature(f"t={seconds},v1={genuine}", BODY, ["key"], NOW)
    assert denied is not None
    assert denied.code == "bad_signature"
    assert "must look like" in denied.reason


def test_store_without_keys_refuses_every_request() -> None:
    assert code(check_signature(sign_body(BODY, "", NOW), BODY, [], NOW)) == "bad_signature"
    assert code(check_bearer("Bearer ", [])) == "bad_key"


def test_old_forgery_is_reported_as_bad_signature() -> None:
    """A caller without a key learns nothing about the time."""
    header = sign_body(BODY, "wrong", NOW - timedelta(days=1))
    assert code(check_signature(header, BODY, ["key"], NOW)) == "bad_signature"


def test_only_first_four_signatures_of_header_are_checked() -> None:
    """A header with thousands of signatures would cost thousands of comparisons."""
    time, _, genuine = sign_body(BODY, "key", NOW).partition(",")
    wrong = ["v1=" + "0" * 64] * 4
    assert check_signature(",".join([time, *wrong[:3], genuine]), BODY, ["key"], NOW) is None
    header = ",".join([time, *wrong, genuine])
    assert code(check_signature(header, BODY, ["key"], NOW)) == "bad_signature"


@given(any_text, st.binary(max_size=20))
def test_arbitrary_signature_header_is_refused_without_error(header: str, body: bytes) -> None:
    assert code(check_signature(header, body, ["key"], NOW)) == "bad_signature"


# --- the whole request ---

FIND = "POST /v1/acme/contacts/find"


def test_v2_header_signs_time_target_and_body() -> None:
    """A shop's code must sign these lines: `v2`, seconds, method and path, body."""
    signed = b"v2\n1795305600\nPOST /v1/acme/contacts/find\n{}"
    assert sign_request(FIND, b"{}", "key", datetime(2026, 11, 22, tzinfo=UTC)) == (
        f"t=1795305600,v2={hmac.new(b'key', signed, sha256).hexdigest()}"
    )


@given(any_text, st.binary(max_size=50), any_text, st.binary(max_size=50))
def test_signature_of_another_request_is_refused(
    target: str, body: bytes, other_target: str, other_body: bytes
) -> None:
    header = sign_request(target, body, "key", NOW)
    assert check_request(header, target, body, ["another", "key"], NOW) is None
    if (target, body) != (other_target, other_body) and "\n" not in target + other_target:
        denied = check_request(header, other_target, other_body, ["key"], NOW)
        assert code(denied) == "bad_signature"


@given(any_text, st.binary(max_size=50))
def test_v1_and_v2_signatures_are_not_interchangeable(target: str, body: bytes) -> None:
    """Not even with the other version's name in the header."""
    old = sign_body(target.encode() + b"\n" + body, "key", NOW)
    for header in (old, old.replace("v1=", "v2=")):
        assert code(check_request(header, target, body, ["key"], NOW)) == "bad_signature"
    new = sign_request(target, body, "key", NOW)
    for header in (new, new.replace("v2=", "v1=")):
        assert code(check_signature(header, body, ["key"], NOW)) == "bad_signature"


@pytest.mark.parametrize(
    ("seconds", "denied"), [(-301, "old_signature"), (-300, None), (300, None)]
)
def test_request_signature_is_valid_for_five_minutes(seconds: int, denied: str | None) -> None:
    header = sign_request(FIND, BODY, "key", NOW + timedelta(seconds=seconds))
    assert code(check_request(header, FIND, BODY, ["key"], NOW)) == denied


def test_bearer_key_matches_stored_hash() -> None:
    hashes = [sha256(b"one").hexdigest(), f" {sha256(b'two').hexdigest().upper()}\n"]
    assert check_bearer("Bearer one", hashes) is None
    assert check_bearer("bearer  two ", hashes) is None
    assert code(check_bearer("Bearer three", hashes)) == "bad_key"
    assert code(check_bearer("Basic one", hashes)) == "bad_key"
    assert code(check_bearer(hashes[0], hashes)) == "bad_key"
    assert code(check_bearer(f"Bearer {hashes[0]}", hashes)) == "bad_key"


@given(any_text, st.lists(any_text.filter(str.isascii), max_size=2))
def test_arbitrary_bearer_header_is_refused_without_error(header: str, hashes: list[str]) -> None:
    assert code(check_bearer(header, hashes)) == "bad_key"
