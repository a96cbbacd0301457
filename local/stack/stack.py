"""All of Milepost on this machine: starts everything, deploys, and stops everything."""

import json
import logging
import mimetypes
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from local import aws, ports
from local.clock import parse_clock
from local.errors import LocalError
from local.ses.authorizer import EmulatorAuthorizer
from local.ses.identities import EmulatorIdentities
from local.stack.client import RUN_FOLDER, STATE_FILE, RunningStack
from local.stack.deploy import Deployment, Say, Step
from local.stack.mail_server import MailServer, build_mail_server
from local.stack.ministack import DEFAULT_PORT, Emulator
from local.stack.minute_timer import MinuteTimer, pause_for
from local.stack.proxy import ApiProxy
from local.stack.routes import create_routes, find_api
from local.stack.store_keys import StoreSecrets
from local.stack.upload import store_paths
from local.stack.web_server import WebServer

logger = logging.getLogger(__name__)

INBOX_PORT = 8025
API_PORT = 8026
SENDER = "hello@shop.example"


class LocalStack:
    """Start it, use it, stop it. As a context manager it starts and stops itself.

    `clock` is a MILEPOST_CLOCK setting ("<start>@<speed>"); empty is real time. Ports are the usual
    ones if they are free; 0 means any. `run_folder` belongs to one stack at a time.
    """

    def __init__(
        self,
        name: str = "milepost",
        *,
        run_folder: Path = RUN_FOLDER,
        auth: bool = True,
        clock: str = "",
        parameters: Mapping[str, str] | None = None,
        inbox_port: int = INBOX_PORT,
        api_port: int = API_PORT,
        emulator_port: int = DEFAULT_PORT,
        template: Path = aws.REPOSITORY / "template.yaml",
        say: Say = print,
    ) -> None:
        self.name = name
        self.run_folder = run_folder
        self.auth = auth
        self.clock = parse_clock(clock)
        self.parameters = {"SenderAddress": SENDER, **(parameters or {})}
        self.api_url = ""
        self.inbox_url = ""
        self.outputs: dict[str, str] = {}
        self.secrets: dict[str, StoreSecrets] = {}
        self.seconds_to_start = 0.0
        self._ports = {"inbox": inbox_port, "api": api_port, "emulator": emulator_port}
        self._template = template
        self._say = say
        self._aws: aws.Clients | None = None
        self._mail: MailServer | None = None
        self._resources = ExitStack()

    @property
    def aws(self) -> "aws.Clients":
        """boto3 clients that act as the account's root."""
        if self._aws is None:
            raise LocalError("The local stack is not running; call start() first.")
        return self._aws

    @property
    def mail(self) -> MailServer:
        """The stand-in for SES: its mailbox, faults and outcomes."""
        if self._mail is None:
            raise LocalError("The local stack is not running; call start() first.")
        return self._mail

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and deploy. On an error, stops everything and raises LocalError."""
        began = time.monotonic()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        self.seconds_to_start = time.monotonic() - began
        self._say(f"Ready in {self.seconds_to_start:.1f} s")

    def stop(self) -> None:
        """Stop everything; does nothing if nothing runs."""
        self._resources.close()
        self._aws = self._mail = None

    def add_store(self, store: str, secrets: StoreSecrets | None = None) -> StoreSecrets:
        """Give a store its secrets; new ones unless some are given."""
        keys = secrets or StoreSecrets.make()
        keys.store_in(self.aws.ssm, f"/{self.name}/{store}")
        self.secrets[store] = keys
        self._save()
        return keys

    def upload_store(self, store: str, folder: Path) -> list[str]:
        """Upload the files of `folder` below `{store}/` to the stack's bucket; returns their keys.

        Workflows go last, because publishing one needs the templates that it names.
        """
        keys: list[str] = []
        for place, file in store_paths(folder):
            key = f"{store}/{place}"
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            self.aws.s3.put_object(
                Bucket=self.outputs["BucketName"],
                Key=key,
                Body=file.read_bytes(),
                ContentType=kind,
            )
            keys.append(key)
        return keys

    def invoke(self, function: str, event: object) -> Any:
        """Call a function of the stack by its logical id; raises LocalError if it fails."""
        resource = self.aws.cloudformation.describe_stack_resource(
            StackName=self.name, LogicalResourceId=function
        )
        physical = resource["StackResourceDetail"]["PhysicalResourceId"]
        answer = self.aws.awslambda.invoke(FunctionName=physical, Payload=json.dumps(event))
        content = answer["Payload"].read()
        if answer.get("FunctionError"):
            raise LocalError(f"{function} failed: {content.decode('utf-8', 'replace')}")
        return json.loads(content)

    def tick(self) -> None:
        """Run the scheduled functions now, as every minute."""
        event = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}}
        self.invoke("TriggerDateFunction", event)
        self.invoke("TriggerScheduleFunction", event)

    def _start(self) -> None:
        resources = self._resources
        self.run_folder.mkdir(parents=True, exist_ok=True)
        inbox_socket, api_socket = (
            ports.listen(self._ports["inbox"]),
            ports.listen(self._ports["api"]),
        )
        resources.callback(inbox_socket.close)
        resources.callback(api_socket.close)
        self.inbox_url = f"http://localhost:{ports.port_of(inbox_socket)}"
        self.api_url = f"http://localhost:{ports.port_of(api_socket)}"

        emulator = Emulator(self.run_folder, auth=self.auth, port=self._ports["emulator"])
        settings = {
            "AWS_ENDPOINT_URL_SESV2": f"http://{ports.LOOPBACK}:{ports.port_of(inbox_socket)}"
        }
        if self.clock.speed != 1.0:
            settings["MILEPOST_CLOCK"] = self.clock.setting()
            # A function's cache is at most half a virtual minute old, even if minutes are short.
            settings["MILEPOST_CACHE_SECONDS"] = f"{max(1.0, 30 / self.clock.speed):g}"
        with Step(self._say, "Starting the emulator"):
            emulator.start(settings)
        resources.callback(emulator.stop)
        # Only now: before, the run folder may belong to a stack that is already running.
        resources.callback((self.run_folder / STATE_FILE).unlink, missing_ok=True)
        self._aws = aws.Clients(emulator.url, mail_endpoint=settings["AWS_ENDPOINT_URL_SESV2"])
        resources.callback(self._aws.close)

        self._start_mail(emulator.url, inbox_socket)
        gateway = ApiProxy()
        resources.callback(WebServer(gateway.app, api_socket, "proxy").stop)

        deployment = Deployment(self.name, emulator.url, self.run_folder, self._template)
        deployment.build(self._say)
        deployment.deploy({**self.parameters, "PublicUrl": self.api_url}, self._say)
        self.outputs = deployment.outputs(self._aws)
        gateway.open_to(emulator.url, find_api(create_routes(self._aws, self.name)))
        self._save()
        if self.clock.speed > 1.0:
            resources.callback(MinuteTimer(self._tick_quietly, pause_for(self.clock)).stop)

    def _save(self) -> None:
        """Write the stack's addresses for `local.stack.client`."""
        keys = {store: each.bearer_key for store, each in self.secrets.items()}
        bucket = self.outputs.get("BucketName", "")
        stack = RunningStack(self.aws.endpoint, self.api_url, self.inbox_url, bucket, keys)
        stack.save(self.run_folder)

    def _start_mail(self, emulator: str, inbox_socket: socket.socket) -> None:
        clients = self.aws
        sender = self.parameters["SenderAddress"]
        identity = self.parameters.get("SenderIdentity") or sender.rpartition("@")[2]
        clients.ses_control.create_email_identity(EmailIdentity=identity)
        identities = EmulatorIdentities(clients.ses_control)
        authorizer = EmulatorAuthorizer(emulator) if self.auth else None
        self._mail = build_mail_server(identities, clients.sns, self.clock, authorizer, emulator)
        self._resources.callback(self._mail.publisher.stop)
        self._resources.callback(WebServer(self._mail.app, inbox_socket, "inbox").stop)

    def _tick_quietly(self) -> None:
        try:
            self.tick()
        except (BotoCoreError, ClientError, LocalError):
            logger.warning("a tick of the fast clock failed", exc_info=True)
