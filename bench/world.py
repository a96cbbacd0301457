"""The servers for a measurement over loopback HTTP: the embedded AWS, and an SES that accepts
everything."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from bench import REPOSITORY
from bench.imports import ENVIRONMENT
from local import aws
from local.stack.ministack import Emulator


class _Post(BaseHTTPRequestHandler):
    """Answers every SendEmail as SES does, and GetAccount."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet per answer; two would wait for each other

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer(b'{"MessageId":"0100000000000000-bench-000000"}')

    def do_GET(self) -> None:
        """The rate is so high that no send slot has to wait."""
        self._answer(
            b'{"SendQuota":{"MaxSendRate":2000,"Max24HourSend":-1,"SentLast24Hours":0},'
            b'"SendingEnabled":true}'
        )

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


class World:
    """The emulator with the two tables, and the SES server; neither runs in the measured process's
    thread."""

    def __init__(self, folder: Path) -> None:
        self._emulator = Emulator(folder / "emulator", auth=False, port=0)
        self._post = ThreadingHTTPServer(("127.0.0.1", 0), _Post)

    def __enter__(self) -> Self:
        threading.Thread(target=self._post.serve_forever, daemon=True).start()
        self._emulator.start()
        clients = aws.Clients(self._emulator.url)
        for table in ("contacts", "workflows"):
            _create(clients.dynamodb, table)
        clients.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._emulator.stop()
        self._post.shutdown()
        self._post.server_close()

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            **ENVIRONMENT,
            "AWS_ENDPOINT_URL": self._emulator.url,
            "AWS_ENDPOINT_URL_SESV2": f"http://127.0.0.1:{self._post.server_address[1]}",
            "PATH": os.environ["PATH"],
        }


def run_worker(world: World, path: str, what: str) -> dict[str, Any]:
    """Run one measurement in a process of its own, with what Lambda has on its path."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "bench.worker", what],
        check=True,
        cwd=REPOSITORY,
        env={**world.environment, "PYTHONPATH": f"{path}{os.pathsep}{REPOSITORY}"},
        stdout=subprocess.PIPE,
    )
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _create(dynamodb: Any, table: str) -> None:
    indexes = {"timers": ("timer_bucket", "timer_due"), "runs": ("run_bucket", "run_sort")}
    names = ["pk", "sk", *(n for pair in indexes.values() for n in pair if table == "contacts")]
    request: dict[str, Any] = {
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n in names],
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    }
    if table == "contacts":
        request["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": first, "KeyType": "HASH"},
                    {"AttributeName": second, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, (first, second) in indexes.items()
        ]
    dynamodb.create_table(**request)
