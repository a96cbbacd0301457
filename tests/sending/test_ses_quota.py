"""Reading the account's quota from SES, and its errors."""

import pytest
from botocore.exceptions import ReadTimeoutError

from milepost.base.errors import ThrottledError
from milepost.sending.aws import SesQuotas
from milepost.sending.rate_limit import SesQuota
from tests.support.mailer import FakeSes, refusal


def quotas(quota: dict[str, float] | Exception) -> SesQuotas:
    return SesQuotas(FakeSes(quota=quota))  # type: ignore[arg-type]


def test_get_account_returns_rate_and_quota() -> None:
    send_quota = {"MaxSendRate": 14.0, "Max24HourSend": 50_000.0, "SentLast24Hours": 12.0}
    assert quotas(send_quota).quota() == SesQuota(14, 50_000, 12)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refusal("TooManyRequestsException", 429), "TooManyRequestsException"),
        (refusal("AccessDeniedException", 403), "AccessDeniedException"),
        (ReadTimeoutError(endpoint_url="https://email"), "ReadTimeoutError"),
        ({"MaxSendRate": 0.0}, "MaxSendRate is 0"),
        ({}, "MaxSendRate is 0"),
    ],
)
def test_error_of_get_account_raises_throttled_error(
    answer: dict[str, float] | Exception, reason: str
) -> None:
    with pytest.raises(ThrottledError, match=reason):
        quotas(answer).quota()
