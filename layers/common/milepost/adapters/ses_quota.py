"""What SES allows the account, from its control plane: one request a second, and no more."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from milepost.domain.sending.pace import Quota
from milepost.ports.errors import Busy

if TYPE_CHECKING:
    from mypy_boto3_sesv2.client import SESV2Client


@dataclass(frozen=True, slots=True)
class SesQuotas:
    """Implements `Quotas`."""

    client: "SESV2Client"

    def quota(self) -> Quota:
        try:
            said = self.client.get_account().get("SendQuota", {})
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise Busy(f"SES does not say what it allows (GetAccount): {code}") from error
        except BotoCoreError as error:
            kind = type(error).__name__
            raise Busy(f"SES does not say what it allows (GetAccount): {kind}") from error
        rate = said.get("MaxSendRate", 0.0)
        if rate <= 0:
            raise Busy("SES allows this account no mail at all (GetAccount: MaxSendRate is 0)")
        return Quota(rate, said.get("Max24HourSend", 0.0), said.get("SentLast24Hours", 0.0))
