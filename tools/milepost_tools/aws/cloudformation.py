"""The parameters and outputs of a deployed stack, and the caller's identity."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from milepost.base.errors import ThrottledError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_sts.client import STSClient


def outputs(client: "CloudFormationClient", stack: str) -> Mapping[str, str]:
    """The outputs of a stack by name. Raises LookupError if the stack does not exist."""
    return outputs_of(_described(client, stack))


def parameters(client: "CloudFormationClient", stack: str) -> Mapping[str, str]:
    """The parameters of a stack by name. Raises LookupError if the stack does not exist."""
    return parameters_of(_described(client, stack))


def outputs_of(found: "StackTypeDef") -> Mapping[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())}


def parameters_of(found: "StackTypeDef") -> Mapping[str, str]:
    return {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", ())}


def find_stack(client: "CloudFormationClient", stack: str) -> "StackTypeDef | None":
    """The stack of this name, or None. Does not catch botocore's errors."""
    try:
        (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return found


def _described(client: "CloudFormationClient", stack: str) -> "StackTypeDef":
    try:
        found = find_stack(client, stack)
    except ClientError as error:
        raise ThrottledError(f"CloudFormation: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise ThrottledError(f"AWS: {type(error).__name__}") from error
    if found is None:
        raise LookupError(f"there is no stack {stack!r} in this account and Region")
    return found


def caller(client: "STSClient") -> str:
    """The ARN of the caller."""
    try:
        return client.get_caller_identity()["Arn"]
    except ClientError as error:
        raise ThrottledError(f"STS: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise ThrottledError(f"AWS: {type(error).__name__}") from error
