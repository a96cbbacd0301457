from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from milepost.base.errors import ThrottledError
from milepost.stores.aws import SsmSecrets
from milepost.stores.store_secrets import StoreSecrets
from tests.support.builders import MONDAY_NOON


@dataclass
class Ssm:
    """Parameters by full name, given out two a page."""

    parameters: dict[str, str]
    asked: list[str] = field(default_factory=list)
    error: Exception | None = None

    def get_parameters_by_path(self, **request: Any) -> dict[str, Any]:
        assert request["WithDecryption"] is True
        assert "Recursive" not in request
        self.asked.append(request["Path"])
        if self.error:
            raise self.error
        names = [
            name for name in self.parameters if name.rpartition("/")[0] + "/" == request["Path"]
        ]
        start = int(request.get("NextToken", "0"))
        page = [{"Name": n, "Value": self.parameters[n]} for n in names[start : start + 2]]
        more = {"NextToken": str(start + 2)} if start + 2 < len(names) else {}
        return {"Parameters": page, **more}


@dataclass
class Seconds:
    passed: int = 0

    def __call__(self) -> Any:
        return MONDAY_NOON + timedelta(seconds=self.passed)


def secrets(ssm: Ssm, now: Seconds | None = None) -> SsmSecrets:
    return SsmSecrets(ssm, "milepost", now or Seconds())  # type: ignore[arg-type]


KEYS = {
    "/milepost/harborline/signing-key": "s1",
    "/milepost/harborline/signing-key-previous": "s0",
    "/milepost/harborline/bearer-key-sha256": "b1",
    "/milepost/harborline/shopify-secret": "h1",
    "/milepost/harborline/shopify-secret-previous": "h0",
    "/milepost/harborline/link-key": "l1",
    "/milepost/harborline/webhook-key": "w1",
    "/milepost/harborline/something-else": "x",
    "/milepost/harborline/old/link-key": "no",
    "/milepost/other/signing-key": "o1",
    "/another/harborline/signing-key": "a1",
}


def test_all_keys_of_a_store_are_read_page_by_page_the_current_one_first() -> None:
    ssm = Ssm(KEYS)
    assert secrets(ssm).of("harborline") == StoreSecrets(
        signing=("s1", "s0"),
        bearer_hashes=("b1",),
        links=("l1",),
        webhooks=("w1",),
        platforms={"shopify-secret": ("h1", "h0")},
    )
    assert ssm.asked == ["/milepost/harborline/"] * 4


def test_an_empty_key_is_no_key() -> None:
    """It would fit a signature that anyone can make."""
    found = secrets(Ssm({"/milepost/a/signing-key": "", "/milepost/a/link-key": "k"})).of("a")
    assert found == StoreSecrets(links=("k",))


def test_a_store_without_any_parameter_is_none() -> None:
    assert secrets(Ssm(KEYS)).of("nobody") is None


def test_keys_are_remembered_for_a_minute_so_that_a_new_one_is_soon_live() -> None:
    ssm, now = Ssm({"/milepost/a/link-key": "old"}), Seconds()
    kept = secrets(ssm, now)
    kept.of("a")
    ssm.parameters = {"/milepost/a/link-key": "new", "/milepost/a/link-key-previous": "old"}
    now.passed = 59
    assert kept.of("a") == StoreSecrets(links=("old",))
    now.passed = 60
    assert kept.of("a") == StoreSecrets(links=("new", "old"))
    assert len(ssm.asked) == 2


def test_a_store_that_is_new_is_known_within_seconds() -> None:
    ssm, now = Ssm({}), Seconds()
    kept = secrets(ssm, now)
    assert kept.of("a") is None
    ssm.parameters = {"/milepost/a/link-key": "new"}
    now.passed = 9
    assert kept.of("a") is None
    now.passed = 10
    assert kept.of("a") == StoreSecrets(links=("new",))


def test_made_up_names_do_not_use_up_the_parameter_store_or_our_memory() -> None:
    ssm, now = Ssm({}), Seconds()
    kept = secrets(ssm, now)
    for _ in range(5):
        assert kept.of("nobody") is None
    assert len(ssm.asked) == 1
    for number in range(1500):
        kept.of(f"nobody-{number}")
    assert len(kept._unknown) <= 1001


def test_a_store_whose_keys_are_all_taken_away_is_closed_within_a_minute() -> None:
    ssm, now = Ssm({"/milepost/a/link-key": "k"}), Seconds()
    kept = secrets(ssm, now)
    assert kept.of("a") is not None
    ssm.parameters = {}
    now.passed = 60
    assert kept.of("a") is None
    ssm.error = ConnectTimeoutError(endpoint_url="x")
    now.passed = 120
    with pytest.raises(ThrottledError):
        kept.of("a")


def test_keys_that_are_known_outlive_a_parameter_store_that_does_not_answer() -> None:
    ssm, now = Ssm({"/milepost/a/link-key": "k"}), Seconds()
    kept = secrets(ssm, now)
    kept.of("a")
    ssm.error, now.passed = ConnectTimeoutError(endpoint_url="x"), 600
    assert kept.of("a") == StoreSecrets(links=("k",))


def test_one_stores_keys_are_never_anothers() -> None:
    kept = secrets(Ssm(KEYS))
    assert kept.of("other") == StoreSecrets(signing=("o1",))
    assert kept.of("harborline") != kept.of("other")


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "s1"}}, "x"),
        ConnectTimeoutError(endpoint_url="x"),
    ],
)
def test_a_parameter_store_that_does_not_answer_is_busy_and_not_empty(error: Exception) -> None:
    with pytest.raises(ThrottledError) as busy:
        secrets(Ssm(KEYS, error=error)).of("harborline")
    assert "s1" not in str(busy.value)
