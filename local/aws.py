"""How this package calls the emulator: dummy credentials, one Region, none of your settings.

Your own AWS profile, Region, endpoints and credentials are removed on purpose: they must not affect
the local stack, and the local stack must never reach a real account.
"""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.client import BaseClient
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient


REGION = "us-east-1"
ACCOUNT = "000000000000"
ACCESS_KEY = "test"
SECRET_KEY = "test"

REPOSITORY = Path(__file__).resolve().parent.parent


def clean_environment(source: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without any AWS setting, plus the dummy settings."""
    inherited = os.environ if source is None else source
    kept = {name: value for name, value in inherited.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class Clients:
    """boto3 clients for one endpoint, created on first use. They act as the account's root."""

    def __init__(
        self, endpoint: str, *, mail_endpoint: str | None = None, read_timeout: float = 120.0
    ) -> None:
        self.endpoint = endpoint
        self.mail_endpoint = mail_endpoint or endpoint
        core = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )
        self._session = boto3.Session(
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name=REGION,
            botocore_session=core,
        )
        self._config = Config(
            retries={"total_max_attempts": 3, "mode": "standard"},
            connect_timeout=5,
            read_timeout=read_timeout,
            max_pool_connections=32,
            s3={"addressing_style": "path"},
            inject_host_prefix=False,
        )
        self._made: dict[str, BaseClient] = {}
        self._making = threading.Lock()  # boto3 can create clients in one thread at a time only

    def close(self) -> None:
        """Close the connections of all clients."""
        for made in self._made.values():
            made.close()
        self._made.clear()

    def client(self, service: str, endpoint: str | None = None) -> BaseClient:
        """Any client by its boto3 name; the properties below are typed."""
        key = f"{service} {endpoint}"
        with self._making:
            if key not in self._made:
                self._made[key] = self._make(service, endpoint or self.endpoint)
            return self._made[key]

    def _make(self, service: str, endpoint: str) -> BaseClient:
        config = self._config
        if service == "sesv2":
            # Submit an e-mail once: SES has no idempotency token to recognize a retry.
            config = config.merge(Config(retries={"total_max_attempts": 1}))
        made: BaseClient = self._session.client(  # type: ignore[call-overload]
            service, endpoint_url=endpoint, config=config
        )
        return made

    @property
    def apigateway(self) -> "ApiGatewayV2Client":
        return self.client("apigatewayv2")  # type: ignore[return-value]

    @property
    def cloudformation(self) -> "CloudFormationClient":
        return self.client("cloudformation")  # type: ignore[return-value]

    @property
    def dynamodb(self) -> "DynamoDBClient":
        return self.client("dynamodb")  # type: ignore[return-value]

    @property
    def iam(self) -> "IAMClient":
        return self.client("iam")  # type: ignore[return-value]

    @property
    def awslambda(self) -> "LambdaClient":
        return self.client("lambda")  # type: ignore[return-value]

    @property
    def s3(self) -> "S3Client":
        return self.client("s3")  # type: ignore[return-value]

    @property
    def sns(self) -> "SNSClient":
        return self.client("sns")  # type: ignore[return-value]

    @property
    def sqs(self) -> "SQSClient":
        return self.client("sqs")  # type: ignore[return-value]

    @property
    def ssm(self) -> "SSMClient":
        return self.client("ssm")  # type: ignore[return-value]

    @property
    def stepfunctions(self) -> "SFNClient":
        return self.client("stepfunctions")  # type: ignore[return-value]

    @property
    def ses_control(self) -> "SESV2Client":
        """The emulator's SES. It stores identities and configuration sets, but no mail."""
        return self.client("sesv2")  # type: ignore[return-value]

    @property
    def ses(self) -> "SESV2Client":
        """Our stand-in for SES, through which the deployed functions send."""
        return self.client("sesv2", self.mail_endpoint)  # type: ignore[return-value]
