"""Runs `sam build` and `sam deploy` of the repository's template against the emulator.

The commands are the same as for AWS. What differs: the endpoint, the interpreter that the layer is
built for, and the folders, so that a local build is never mistaken for one for Lambda.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import aws
from local.errors import LocalError
from local.stack.wheels import pip_settings

Say = Callable[[str], None]

SHOWN_LINES = 25


@dataclass(frozen=True, slots=True)
class Deployment:
    """What to deploy and where; `folder` holds the files and logs of the commands."""

    stack: str
    endpoint: str
    folder: Path
    template: Path = aws.REPOSITORY / "template.yaml"

    @property
    def bucket(self) -> str:
        """The bucket for code. We create it, because SAM waits half a minute for its own."""
        return f"{self.stack}-code"

    def build(self, say: Say) -> None:
        """Build functions and layer for this interpreter. Raises LocalError."""
        if importlib.util.find_spec("pip") is None:
            raise LocalError(
                f"The layer is built with pip, and {sys.executable} has none. "
                f"`make demo` makes an environment that has it; else run "
                f"`{sys.executable} -m ensurepip`."
            )
        requirements = self.template.parent / "layers" / "common" / "requirements.txt"
        with Step(say, "Building functions and layer"):
            self._sam(
                "build",
                pip_settings(requirements, self.folder / "wheels"),
                *("--template-file", str(self.template), "--base-dir", str(self.template.parent)),
                *("--build-dir", str(self.folder / "build"), "--cached"),
                *("--cache-dir", str(self.folder / f"cache-{sys.implementation.cache_tag}")),
            )

    def deploy(self, parameters: Mapping[str, str], say: Say) -> None:
        """Deploy what was built, or update what is deployed. Raises LocalError."""
        clients = aws.Clients(self.endpoint)
        clients.s3.create_bucket(Bucket=self.bucket)
        clients.close()
        with Step(say, f"Deploying the stack {self.stack}"):
            self._sam(
                "deploy",
                {},
                *("--template-file", str(self.folder / "build" / "template.yaml")),
                *("--stack-name", self.stack, "--s3-bucket", self.bucket),
                *("--region", aws.REGION, "--capabilities", "CAPABILITY_IAM"),
                *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
                *override(parameters),
            )

    def outputs(self, clients: aws.Clients) -> dict[str, str]:
        """The outputs of the deployed stack."""
        stack = clients.cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    def _sam(self, command: str, settings: Mapping[str, str], *arguments: str) -> None:
        home = self.folder / "sam"
        home.mkdir(parents=True, exist_ok=True)
        # Ignore the repository's samconfig.toml, send no telemetry, do not check for a new version.
        (self.folder / "samconfig.toml").write_text("version = 0.1\n")
        (home / "metadata.json").write_text(
            json.dumps({"telemetryEnabled": False, "lastVersionCheck": time.time()})
        )
        log = self.folder / f"sam-{command}.log"
        environment = aws.clean_environment() | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "MILEPOST_BUILD_FOR": "host",
            "MILEPOST_PYTHON": sys.executable,
            "SAM_CLI_POLL_DELAY": "0.1",
            "SAM_CLI_TELEMETRY": "0",
            "__SAM_CLI_APP_DIR": str(home),
            **settings,
        }
        with log.open("wb") as output:
            config = ("--config-file", str(self.folder / "samconfig.toml"))
            ended = subprocess.run(
                [find_sam(), command, *config, *arguments],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if ended.returncode != 0:
            lines = log.read_text("utf-8", "replace").rstrip().splitlines()[-SHOWN_LINES:]
            shown = "\n".join(f"    {line}" for line in lines)
            raise LocalError(
                f"`sam {command}` failed with status {ended.returncode}. "
                f"Its last words, all of them in {log}:\n{shown}"
            )


class Step:
    """Prints what is being done, and afterwards how long it took."""

    def __init__(self, say: Say, what: str) -> None:
        self._say, self._what = say, what

    def __enter__(self) -> None:
        self._began = time.monotonic()
        self._say(f"{self._what} ...")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        took = time.monotonic() - self._began
        self._say(f"{self._what}: {'done' if kind is None else 'failed'} in {took:.1f} s")


def override(parameters: Mapping[str, str]) -> Sequence[str]:
    """Parameters with quotes, so that `sam` accepts values with spaces."""
    pairs = [
        f"ParameterKey={name},ParameterValue={json.dumps(value)}"
        for name, value in parameters.items()
    ]
    return ["--parameter-overrides", *pairs] if pairs else []


def find_sam() -> str:
    """The `sam` of this environment, else of PATH. Raises LocalError."""
    beside = Path(sys.executable).parent / "sam"
    found = str(beside) if beside.exists() else shutil.which("sam")
    if not found:
        raise LocalError("There is no `sam` command; `make demo` brings it.")
    return found
