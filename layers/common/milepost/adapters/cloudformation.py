"""What a deployed stack calls its parts, and who asks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from milepost.ports.errors import Busy

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_sts.client import STSClient


def outputs(client: "CloudFormationClient", stack: str) -> Mapping[str, str]:
    """The outputs of a stack by name; LookupError if there is none of that name."""
    found = _described(client, stack)
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())}


def parameters(client: "CloudFormationClient", stack: str) -> Mapping[str, str]:
    """What a stack was deployed with; LookupError if there is none of that name."""
    found = _described(client, stack)
    return {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", ())}


def _described(client: "CloudFormationClient", stack: str) -> "StackTypeDef":
    try:
        (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ValidationError":
            raise LookupError(f"there is no stack {stack!r} in this account and Region") from error
        raise Busy(f"CloudFormation: {code}") from error
    except BotoCoreError as error:
        raise Busy(f"AWS: {type(error).__name__}") from error
    return found


def caller(client: "STSClient") -> str:
    """The ARN of whoever calls."""
    try:
        return client.get_caller_identity()["Arn"]
    except ClientError as error:
        raise Busy(f"STS: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise Busy(f"AWS: {type(error).__name__}") from error
