"""How long a handler takes to import, compared with importing only the libraries it needs.

Each import is a fresh process with the environment of Lambda, so that the handler also builds its
clients. The floor imports the same libraries and builds the same clients, without our code. The
figure is CPU time minus that of an empty interpreter. It is noisy, so the variants take turns and
the ratio is the median of the ratios of each round. The processes skip Python's shutdown, which
Lambda never runs.
"""

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import REPOSITORY

ROUNDS = 9

_LOG = ("aws_lambda_powertools.Logger", "aws_lambda_powertools.Metrics")
_AWS = ("boto3", "boto3.dynamodb.types", "botocore.config", "botocore.exceptions")

_MODELS = tuple(
    f"pydantic.{name}"
    for name in (
        "AwareDatetime",
        "BaseModel",
        "ConfigDict",
        "Field",
        "StringConstraints",
        "ValidationError",
    )
)

FLOORS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "trigger_event": ((*_LOG, *_AWS, *_MODELS), ("dynamodb", "ssm")),
    "trigger_webhook": ((*_LOG, *_AWS, *_MODELS), ("dynamodb", "ssm")),
    "preferences": ((*_LOG, *_AWS), ("dynamodb", "ssm")),
    "contacts": ((*_LOG, *_AWS, *_MODELS), ("dynamodb", "ssm")),
    "segments": ((*_LOG, *_AWS), ("dynamodb", "ssm")),
    "privacy": (_LOG, ()),
    "trigger_browser": ((*_LOG, *_AWS), ("dynamodb", "ssm")),
    "trigger_form": ((*_LOG, *_AWS), ("dynamodb", "ssm")),
    "unsubscribe": ((*_LOG, *_AWS), ("dynamodb", "ssm")),
    "view": ((*_LOG, *_AWS), ("dynamodb", "ssm")),
    "react": ((*_LOG, *_AWS), ("dynamodb", "stepfunctions")),
    "run_steps": ((*_LOG, *_AWS, "jinja2.sandbox"), ("dynamodb", "ssm", "sesv2")),
    "await_event": ((*_LOG, *_AWS), ("dynamodb", "stepfunctions")),
    "trigger_email": ((*_LOG, *_AWS), ("dynamodb",)),
    "trigger_date": ((*_LOG, *_AWS), ("dynamodb",)),
    "trigger_schedule": ((*_LOG, *_AWS), ("dynamodb", "s3")),
    "backfill": ((*_LOG, *_AWS), ("dynamodb",)),
    "publish": (_LOG, ()),
    "import_contacts": (_LOG, ()),
    "export_contacts": (_LOG, ()),
}

ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "POWERTOOLS_SERVICE_NAME": "milepost",
    "MILEPOST_STACK": "milepost",
    "MILEPOST_CONTACTS_TABLE": "contacts",
    "MILEPOST_WORKFLOWS_TABLE": "workflows",
    "MILEPOST_BUCKET": "bucket",
    "MILEPOST_CONFIGURATION_SET": "milepost",
    "MILEPOST_SENDER": "shop@example.com",
    "MILEPOST_PUBLIC_URL": "https://example.com",
    "MILEPOST_STATE_MACHINE_ARN_PREFIX": "arn:aws:states:us-east-1:0:stateMachine:milepost-",
    "MILEPOST_STATE_MACHINE_ROLE_ARN": "arn:aws:iam::000000000000:role/machine",
    "MILEPOST_RUN_STEPS_ARN": "arn:aws:lambda:us-east-1:000000000000:function:run",
    "MILEPOST_AWAIT_EVENT_ARN": "arn:aws:lambda:us-east-1:000000000000:function:await",
}


def measure_imports(layer: Path, bare: Path, runtime: Path) -> dict[str, dict[str, float]]:
    """For each handler: CPU ms with bytecode, of the floor, and from source; and the ratio."""
    measured = {}
    for name, (libraries, clients) in FLOORS.items():
        floor = _floor(libraries, clients)
        handler = f"import sys; sys.path.insert(0, {_function(name)!r}); import app; app.handler"
        variants = {
            "empty": ("pass", layer),
            "bytecode": (handler, layer),
            "floor": (floor, layer),
            "source": (handler, bare),
        }
        times: dict[str, list[float]] = {variant: [] for variant in variants}
        for _ in range(ROUNDS):
            for variant, (code, path) in variants.items():
                times[variant].append(_cpu(code, f"{path}{os.pathsep}{runtime}"))
        empty = statistics.median(times.pop("empty"))
        medians = {variant: statistics.median(took) - empty for variant, took in times.items()}
        measured[name] = {
            **{variant: round(took, 1) for variant, took in medians.items()},
            "ratio": round(
                statistics.median(
                    (ours - empty) / (floor - empty)
                    for ours, floor in zip(times["bytecode"], times["floor"], strict=True)
                ),
                3,
            ),
        }
    return measured


def _function(name: str) -> str:
    return str(REPOSITORY / "functions" / name)


def _floor(libraries: Sequence[str], clients: Sequence[str]) -> str:
    lines = []
    for library in libraries:
        module, _, attribute = library.rpartition(".")
        is_class = attribute[:1].isupper()
        lines.append(f"from {module} import {attribute}" if is_class else f"import {library}")
    if any("Logger" in library for library in libraries):
        lines.append("Logger(service='x'); Metrics(namespace='x', service='x')")
    lines += [f"boto3.client({client!r})" for client in clients]
    return "\n".join(lines)


def _cpu(code: str, path: str) -> float:
    """CPU milliseconds (user and system) that a fresh interpreter takes for the code.

    -S hides this environment's own packages: Lambda has none of them.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-S", "-B", "-c", f"{code}\nimport os; os._exit(0)"],
        check=True,
        env={**ENVIRONMENT, "PATH": os.environ["PATH"], "PYTHONPATH": path},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
