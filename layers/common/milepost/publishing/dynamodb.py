"""What publishing stores in DynamoDB and deploys to Step Functions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table, pack
from milepost.base.errors import ThrottledError
from milepost.base.names import state_machine_name
from milepost.enrollments.pauses import Pause, pauses_to_json
from milepost.enrollments.program import Program
from milepost.published.dynamodb import (
    SEGMENT,
    TEMPLATE,
    WORKFLOW,
    head_key,
    program_item,
    program_key,
    read_head,
    read_program,
    read_segment,
    read_template,
    segment_key,
    template_item,
)
from milepost.runtime.aws import _name
from milepost.runtime.dynamodb.jobs import job_key, job_value
from milepost.segments.segment import Segment

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient

    from milepost.conditions.context import Condition
    from milepost.published.head import LiveWorkflow, PublishedState
    from milepost.runtime.jobs import Job
    from milepost.templates.version import TemplateVersion


@dataclass(frozen=True, slots=True)
class StepFunctionsStateMachines:
    """Implements `StateMachines`."""

    client: "SFNClient"
    machines: str
    role: str

    def publish(self, store: str, workflow: str, definition: Mapping[str, Any]) -> str:
        try:
            return self._publish(
                self.machines + state_machine_name(store, workflow),
                json.dumps(definition, separators=(",", ":")),
            )
        except (ClientError, BotoCoreError) as error:
            raise ThrottledError(_name(error)) from error

    def _publish(self, arn: str, definition: str) -> str:
        try:
            self.client.describe_state_machine(stateMachineArn=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] != "StateMachineDoesNotExist":
                raise
            created = self.client.create_state_machine(
                name=arn.rpartition(":")[2],
                definition=definition,
                roleArn=self.role,
                type="STANDARD",
                publish=True,
            )
            return created["stateMachineVersionArn"]
        updated = self.client.update_state_machine(
            stateMachineArn=arn, definition=definition, roleArn=self.role, publish=True
        )
        return updated["stateMachineVersionArn"]


REFUSED = "REFUSED#"


@dataclass(frozen=True, slots=True)
class DynamoPublishedWriter:
    """Implements `PublishedWriter`."""

    table: Table

    def head(self, store: str) -> "PublishedState":
        return read_head(self.table, store)

    def program(self, store: str, workflow: str, version: int) -> Program:
        return read_program(self.table, store, workflow, version)

    def template(self, store: str, name: str, version: str) -> "TemplateVersion":
        return read_template(self.table, store, name, version)

    def source(self, store: str, workflow: str, version: int) -> str:
        item = self.table.get(program_key(store, workflow, version))
        return str(item["source"]) if item else ""

    def save_program(self, store: str, program: Program, source: str) -> bool:
        item = dict(program_item(store, program, source))
        try:
            self.table.put(item, "attribute_not_exists(pk)")
        except ConditionFailedError as failed:
            (stored,) = failed.items
            return stored is not None and stored["source"] == source
        return True

    def keep_resume(self, store: str, workflow: str, version: int, machine: str) -> None:
        self.table.update(
            program_key(store, workflow, version),
            expression="SET #resume = :arn",
            names={"#resume": "resume"},
            values={":arn": machine},
        )

    def keep_template(self, store: str, template: "TemplateVersion") -> None:
        self.table.put(dict(template_item(store, template)))

    def go_live(self, store: str, workflow: str, live: "LiveWorkflow", after: int) -> bool:
        condition = "#workflow.#version = :after" if after else "attribute_not_exists(#workflow)"
        try:
            self.table.update(
                head_key(store),
                expression="SET #workflow = :live",
                condition=condition,
                names={"#workflow": WORKFLOW + workflow}
                | ({"#version": "version"} if after else {}),
                values={
                    ":live": {
                        "version": live.version,
                        "state_machine_arn": live.machine,
                        "status": live.status,
                        "pauses": json.dumps(pauses_to_json(live.pauses)),
                        "trigger": json.dumps(live.trigger, ensure_ascii=False),
                    }
                }
                | ({":after": after} if after else {}),
            )
        except ConditionFailedError:
            return False
        return True

    def show_template(self, store: str, name: str, version: str) -> None:
        self._set(store, TEMPLATE + name, version)

    def hide_template(self, store: str, name: str) -> None:
        self.table.update(
            head_key(store), expression="REMOVE #name", names={"#name": TEMPLATE + name}
        )

    def apply_settings(
        self, store: str, settings: Mapping[str, Any], pauses: Sequence[Pause] = ()
    ) -> None:
        self.table.update(
            head_key(store),
            expression="SET settings = :settings, pauses = :pauses",
            values={
                ":settings": json.dumps(settings, ensure_ascii=False),
                ":pauses": json.dumps(pauses_to_json(pauses)),
            },
        )

    def segment(self, store: str, name: str, version: int) -> "Condition":
        return read_segment(self.table, store, name, version)

    def keep_segment(self, store: str, name: str, version: int, condition: "Condition") -> bool:
        text = json.dumps(condition, ensure_ascii=False)
        item = segment_key(store, name, version) | pack({"condition": text})
        try:
            self.table.put(item, "attribute_not_exists(pk)")
        except ConditionFailedError as failed:
            (stored,) = failed.items
            return stored is not None and stored["condition"] == text
        return True

    def show_segment(self, store: str, name: str, segment: Segment, after: int) -> bool:
        condition = "#segment.#version = :after" if after else "attribute_not_exists(#segment)"
        live = {"version": segment.version, "live": json.dumps(segment.to_json())}
        try:
            self.table.update(
                head_key(store),
                expression="SET #segment = :live",
                condition=condition,
                names={"#segment": SEGMENT + name} | ({"#version": "version"} if after else {}),
                values={":live": live} | ({":after": after} if after else {}),
            )
        except ConditionFailedError:
            return False
        return True

    def apply_scoring(self, store: str, scoring: Mapping[str, Any] | None) -> None:
        if scoring is None:
            self.table.update(head_key(store), expression="REMOVE scoring")
            return
        self.table.update(
            head_key(store),
            expression="SET scoring = :scoring",
            values={":scoring": json.dumps(scoring, ensure_ascii=False)},
        )

    def enqueue(self, work: "Job") -> None:
        self.table.put(job_key(work) | pack(job_value(work)))

    def record_refusal(self, store: str, path: str, refused: bool) -> None:
        key = keys.store_item(store, REFUSED + path)
        if refused:
            self.table.put(key | pack({"path": path}))
        else:
            self.table.delete(key)

    def all_refused(self, store: str) -> list[str]:
        items = self.table.query(
            KeyConditionExpression="pk = :pk AND begins_with(sk, :refused)",
            ConsistentRead=True,
            values={":pk": head_key(store)["pk"]["S"], ":refused": REFUSED},
        )
        return [item["path"] for item in items]

    def _set(self, store: str, name: str, value: str) -> None:
        self.table.update(
            head_key(store),
            expression="SET #name = :value",
            names={"#name": name},
            values={":value": value},
        )
