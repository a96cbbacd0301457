"""The ports twice: in memory, and in DynamoDB, S3 and SSM as moto imitates them, in process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Any, Protocol

import boto3
from moto import mock_aws
from samtranslator.yaml_helper import yaml_parse

from milepost.adapters.dynamodb import keys
from milepost.adapters.dynamodb.contacts import DynamoContacts
from milepost.adapters.dynamodb.enrollments import DynamoEnrollments
from milepost.adapters.dynamodb.everything import DynamoEverything
from milepost.adapters.dynamodb.ledger import DynamoLedger
from milepost.adapters.dynamodb.limits import DynamoLimits
from milepost.adapters.dynamodb.lives import DynamoLives
from milepost.adapters.dynamodb.looks import DynamoProgress
from milepost.adapters.dynamodb.members import DynamoMembers
from milepost.adapters.dynamodb.merging import DynamoMerging
from milepost.adapters.dynamodb.people import DynamoPeople
from milepost.adapters.dynamodb.privacy import DynamoRemains, DynamoRequests
from milepost.adapters.dynamodb.probes import DynamoProbes
from milepost.adapters.dynamodb.publications import DynamoPublications
from milepost.adapters.dynamodb.registry import DynamoRegistry
from milepost.adapters.dynamodb.reputation import DynamoBreakers, DynamoTallies
from milepost.adapters.dynamodb.table import Table, unpack
from milepost.adapters.dynamodb.timeline import DynamoTimeline
from milepost.adapters.dynamodb.timers import DynamoTimers
from milepost.adapters.dynamodb.transfers import DynamoExports, DynamoImports
from milepost.adapters.memory.contacts import MemoryContacts
from milepost.adapters.memory.enrollments import MemoryEnrollments
from milepost.adapters.memory.files import MemoryFiles
from milepost.adapters.memory.ledger import MemoryLedger
from milepost.adapters.memory.limits import MemoryLimits
from milepost.adapters.memory.lives import MemoryLives
from milepost.adapters.memory.looks import MemoryProgress
from milepost.adapters.memory.members import MemoryMembers
from milepost.adapters.memory.merging import MemoryMerging
from milepost.adapters.memory.privacy import MemoryRemains, MemoryRequests, MemoryVault
from milepost.adapters.memory.probes import MemoryProbes
from milepost.adapters.memory.registry import MemoryPublications, MemoryRegistry, Shelf
from milepost.adapters.memory.reputation import MemoryBreakers, MemoryTallies
from milepost.adapters.memory.state import State
from milepost.adapters.memory.timeline import MemoryTimeline
from milepost.adapters.memory.timers import MemoryTimers
from milepost.adapters.memory.transfers import (
    MemoryEverything,
    MemoryExports,
    MemoryImports,
    MemoryPeople,
    MemoryUploads,
)
from milepost.adapters.s3 import S3Files
from milepost.adapters.s3_uploads import S3Uploads
from milepost.adapters.s3_vault import S3Vault
from milepost.domain.refs import MessageRef
from milepost.ports.contacts import Contacts, Timeline
from milepost.ports.enrollments import Enrollments
from milepost.ports.limits import Limits
from milepost.ports.looks import Progress
from milepost.ports.members import Memberships
from milepost.ports.merging import Merging
from milepost.ports.probes import ProbeNotes
from milepost.ports.published import Registry
from milepost.ports.publishing import Files, Publications
from milepost.ports.sending import Ledger
from milepost.ports.timers import Timers
from milepost.ports.transfers import Everything, Exports, Imports, People, Uploads
from milepost.services.people.ports import Lives, Remains, Requests, Vault
from milepost.services.reputation import Breakers, Tallies
from milepost.services.resume import Closer
from tests.support.builders import MONDAY_NOON
from tests.support.template import TEMPLATE

RETENTION = timedelta(days=400)
_number = count(1)


class Look(Protocol):
    """What no port offers, because only a test looks there."""

    def proofs(self) -> list[tuple[str, str]]:
        """Topic and state of every answer kept as proof, in the order of their instants."""

    def message(self, ref: MessageRef) -> dict[str, Any]:
        """A message as it lies there; empty if there is none."""

    def suppressions(self) -> list[str]:
        """The reasons of all suppressions."""


@dataclass(frozen=True)
class Ports:
    """One implementation of every port that keeps something."""

    timeline: Timeline
    contacts: Contacts
    enrollments: Enrollments
    ledger: Ledger
    timers: Timers
    members: Memberships
    progress: Progress
    registry: Registry
    publications: Publications
    files: Files
    lives: Lives
    remains: Remains
    requests: Requests
    vault: Vault
    limits: Limits
    probes: ProbeNotes
    look: Look
    people: People
    imports: Imports
    exports: Exports
    everything: Everything
    uploads: Uploads
    merging: Merging
    tallies: Tallies
    breakers: Breakers
    closer: Closer


# --- in memory ---


@dataclass(frozen=True)
class MemoryLook:
    state: State

    def proofs(self) -> list[tuple[str, str]]:
        held = sorted(self.state.proofs.values(), key=lambda proof: (proof.at, proof.topic))
        return [(proof.topic, proof.fact.state) for proof in held]

    def message(self, ref: MessageRef) -> dict[str, Any]:
        return dict(self.state.messages.get(ref, {}))

    def suppressions(self) -> list[str]:
        return list(self.state.suppressed.values())


def memory_ports() -> Ports:
    state, shelf = State(), Shelf()
    return Ports(
        timeline=MemoryTimeline(state),
        contacts=MemoryContacts(state),
        enrollments=MemoryEnrollments(state),
        ledger=MemoryLedger(state),
        timers=MemoryTimers(state),
        members=MemoryMembers(state),
        progress=MemoryProgress(),
        registry=MemoryRegistry(shelf),
        publications=MemoryPublications(shelf),
        files=MemoryFiles(),
        lives=MemoryLives(state),
        remains=MemoryRemains(state),
        requests=MemoryRequests(state),
        vault=MemoryVault(),
        limits=MemoryLimits(state),
        probes=MemoryProbes(),
        look=MemoryLook(state),
        people=MemoryPeople(state),
        imports=MemoryImports(),
        exports=MemoryExports(),
        everything=MemoryEverything(state),
        uploads=MemoryUploads(),
        merging=MemoryMerging(state),
        tallies=MemoryTallies(state),
        breakers=(breakers := MemoryBreakers(shelf)),
        closer=breakers,
    )


# --- in DynamoDB ---


@dataclass(frozen=True)
class DynamoLook:
    client: Any
    table: Table

    def _items(self, prefix: str) -> list[dict[str, Any]]:
        found = [unpack(item) for item in self.client.scan(TableName=self.table.name)["Items"]]
        return [item for item in found if item["sk"].startswith(prefix)]

    def proofs(self) -> list[tuple[str, str]]:
        held = sorted(self._items("CONSENT#"), key=lambda item: (item["at"], item["topic"]))
        return [(item["topic"], item["state"]) for item in held]

    def message(self, ref: MessageRef) -> dict[str, Any]:
        return self.table.get(keys.message(ref)) or {}

    def suppressions(self) -> list[str]:
        return [item["reason"] for item in self._items("SUPPRESSION")]


@dataclass(frozen=True)
class Cloud:
    """Clients of the imitated services."""

    dynamodb: Any
    s3: Any

    def table(self, logical_id: str) -> Table:
        """A fresh table, made as template.yaml describes it."""
        described = template_table(logical_id)
        name = f"{logical_id}-{next(_number)}"
        self.dynamodb.create_table(TableName=name, **described)
        return Table(self.dynamodb, name)

    def bucket(self) -> str:
        name = f"marketers-{next(_number)}"
        self.s3.create_bucket(Bucket=name)
        return name


@cache
def template_table(logical_id: str) -> dict[str, Any]:
    """The parameters of CreateTable that the template gives."""
    resources = yaml_parse(TEMPLATE.read_text())["Resources"]
    properties = resources[logical_id]["Properties"]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    return {name: properties[name] for name in wanted if name in properties}


@contextmanager
def cloud() -> Iterator[Cloud]:
    nobody = boto3.Session("none", "none", region_name="us-east-1")
    with mock_aws():
        yield Cloud(nobody.client("dynamodb"), nobody.client("s3"))


def dynamo_ports(aws: Cloud) -> Ports:
    contacts, workflows = aws.table("ContactsTable"), aws.table("WorkflowsTable")
    bucket = aws.bucket()
    return Ports(
        timeline=DynamoTimeline(contacts, RETENTION),
        contacts=DynamoContacts(contacts, RETENTION),
        enrollments=DynamoEnrollments(contacts, RETENTION),
        ledger=DynamoLedger(contacts, lambda instant: instant),
        timers=DynamoTimers(contacts),
        members=DynamoMembers(contacts),
        progress=DynamoProgress(workflows),
        registry=DynamoRegistry(workflows, lambda: MONDAY_NOON, timedelta(0)),
        publications=DynamoPublications(workflows),
        lives=DynamoLives(contacts),
        remains=DynamoRemains(contacts, RETENTION),
        requests=DynamoRequests(contacts),
        vault=S3Vault(aws.s3, aws.bucket()),
        files=S3Files(aws.s3, bucket),
        limits=DynamoLimits(contacts),
        probes=DynamoProbes(contacts),
        look=DynamoLook(aws.dynamodb, contacts),
        people=DynamoPeople(contacts, RETENTION, lambda: MONDAY_NOON),
        imports=DynamoImports(workflows),
        exports=DynamoExports(workflows),
        everything=DynamoEverything(contacts, lambda: MONDAY_NOON),
        uploads=S3Uploads(aws.s3, bucket),
        merging=DynamoMerging(contacts, RETENTION),
        tallies=DynamoTallies(workflows, contacts),
        breakers=DynamoBreakers(workflows, lambda: MONDAY_NOON),
        closer=DynamoBreakers(workflows, lambda: MONDAY_NOON),
    )
