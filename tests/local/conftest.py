"""One corrected emulator for the tests of this folder, in a run folder of their own."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from local.aws import ACCOUNT, REGION, Clients
from local.ministack import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Account:
    """An empty account on the emulator, and the few things that tests put into it."""

    aws: Clients

    def role(self, name: str, *statements: dict[str, Any]) -> str:
        """A role that Lambda and Step Functions may take on, with exactly these permissions."""
        trust = {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
                    "Action": "sts:AssumeRole",
                }
            ]
        }
        made = self.aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        if statements:
            policy = {"Version": "2012-10-17", "Statement": list(statements)}
            self.aws.iam.put_role_policy(
                RoleName=name, PolicyName="only", PolicyDocument=json.dumps(policy)
            )
        return made["Role"]["Arn"]

    def function(self, name: str, code: str, *statements: dict[str, Any]) -> str:
        """A Lambda function whose module is `code`, with a role of its own; returns its ARN."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as files:
            files.writestr("app.py", code)
        made = self.aws.awslambda.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=self.role(f"{name}-role", *statements),
            Handler="app.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=30,
        )
        return made["FunctionArn"]

    def invoke(self, name: str, event: object) -> Any:
        answer = self.aws.awslambda.invoke(FunctionName=name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder: Path = tmp_path_factory.mktemp("emulator")
    with Emulator(folder, auth=True, port=0) as emulator:
        emulator.start()
        yield Account(Clients(emulator.url))
