"""Both implementations of every port: in memory, and in DynamoDB, S3 and SSM with moto."""

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

from milepost.api.dynamodb import DynamoContactRecords
from milepost.api.ports import ContactRecords
from milepost.aws import keys
from milepost.aws.table import Table, unpack
from milepost.base.names import MessageRef
from milepost.contacts.dynamodb.contacts import DynamoContacts
from milepost.contacts.dynamodb.profile_item import DynamoMembers
from milepost.contacts.dynamodb.timeline import DynamoTimeline
from milepost.contacts.ports import Contacts, Memberships, Timeline
from milepost.enrollments.dynamodb.enrollments import DynamoEnrollments
from milepost.enrollments.ports import Enrollments
from milepost.pages.dynamodb import DynamoVisitorLimits
from milepost.pages.visitor_limits import VisitorLimits
from milepost.privacy.aws import S3ExportStorage
from milepost.privacy.dynamodb import DynamoContactDeletion, DynamoPrivacyRequests
from milepost.privacy.ports import ContactDeletion, ExportStorage, PrivacyRequestStore
from milepost.published.dynamodb import DynamoPublished
from milepost.published.head import Published
from milepost.publishing.dynamodb import DynamoPublishedWriter
from milepost.publishing.ports import PublishedWriter
from milepost.runtime.dynamodb.backfill import DynamoBackfillProgress
from milepost.runtime.dynamodb.count_jobs import DynamoCountJobs
from milepost.runtime.dynamodb.timers import DynamoTimers
from milepost.runtime.jobs import CountJobs
from milepost.runtime.merging.dynamodb import DynamoMerging
from milepost.runtime.merging.ports import Merging
from milepost.runtime.ports import BackfillProgress, Timers
from milepost.sending.dynamodb.counts import DynamoRuns
from milepost.sending.dynamodb.ledger import DynamoLedger
from milepost.sending.dynamodb.probes import DynamoProbes
from milepost.sending.dynamodb.reputation import DynamoMarketingStops, DynamoReputationCounts
from milepost.sending.feedback import MarketingStops, ReputationCounts
from milepost.sending.ports import Ledger, Runs
from milepost.sending.probes import ProbeNotes
from milepost.simulator.memory.contacts import MemoryContacts
from milepost.simulator.memory.enrollments import MemoryEnrollments
from milepost.simulator.memory.files import MemoryFiles
from milepost.simulator.memory.ledger import MemoryLedger
from milepost.simulator.memory.members import MemoryMembers
from milepost.simulator.memory.merging import MemoryMerging
from milepost.simulator.memory.published import MemoryPublished, MemoryPublishedWriter, MemoryStore
from milepost.simulator.memory.state import ContactsTable
from milepost.simulator.memory.timeline import MemoryTimeline
from milepost.stores.aws import S3Files
from milepost.stores.files import StoreFiles
from milepost.transfer.aws import S3Uploads
from milepost.transfer.dynamodb.bulk_contacts import DynamoBulkContacts
from milepost.transfer.dynamodb.progress import DynamoExports, DynamoImports
from milepost.transfer.dynamodb.store_scan import DynamoStoreScan
from milepost.transfer.exports.ports import Exports, StoreScan
from milepost.transfer.imports.ports import BulkContacts, Imports
from milepost.transfer.ports import Uploads
from milepost_tools.operations.resume import MarketingSwitch
from tests.fakes.backfill import MemoryBackfillProgress
from tests.fakes.contact_records import MemoryContactRecords
from tests.fakes.counts import MemoryCountJobs, MemoryRuns
from tests.fakes.privacy import MemoryContactDeletion, MemoryExportStorage, MemoryPrivacyRequests
from tests.fakes.probes import MemoryProbes
from tests.fakes.reputation import MemoryMarketingStops, MemoryReputationCounts
from tests.fakes.timers import MemoryTimers
from tests.fakes.transfers import (
    MemoryBulkContacts,
    MemoryExports,
    MemoryImports,
    MemoryStoreScan,
    MemoryUploads,
)
from tests.fakes.visitor_limits import MemoryVisitorLimits
from tests.support.builders import MONDAY_NOON
from tests.support.template import TEMPLATE

RETENTION = timedelta(days=400)
_number = count(1)


class Look(Protocol):
    """Reads what no port offers, because only tests read it."""

    def proofs(self) -> list[tuple[str, str]]:
        """Topic and state of every consent record, in the order of their instants."""

    def message(self, ref: MessageRef) -> dict[str, Any]:
        """A stored message; empty if there is none."""

    def suppressions(self) -> list[str]:
        """The reasons of all suppressions."""


@dataclass(frozen=True)
class Ports:
    """One implementation of every port that stores something."""

    timeline: Timeline
    contacts: Contacts
    enrollments: Enrollments
    ledger: Ledger
    timers: Timers
    members: Memberships
    progress: BackfillProgress
    registry: Published
    publications: PublishedWriter
    files: StoreFiles
    lives: ContactRecords
    remains: ContactDeletion
    requests: PrivacyRequestStore
    vault: ExportStorage
    limits: VisitorLimits
    probes: ProbeNotes
    look: Look
    people: BulkContacts
    imports: Imports
    exports: Exports
    everything: StoreScan
    uploads: Uploads
    merging: Merging
    tallies: ReputationCounts
    breakers: MarketingStops
    closer: MarketingSwitch
    runs: Runs
    count_jobs: CountJobs


# --- in memory ---


@dataclass(frozen=True)
class MemoryLook:
    state: ContactsTable

    def proofs(self) -> list[tuple[str, str]]:
        held = sorted(self.state.proofs.values(), key=lambda proof: (proof.at, proof.topic))
        return [(proof.topic, proof.fact.state) for proof in held]

    def message(self, ref: MessageRef) -> dict[str, Any]:
        return dict(self.state.messages.get(ref, {}))

    def suppressions(self) -> list[str]:
        return list(self.state.suppressed.values())


def memory_ports() -> Ports:
    state, shelf = ContactsTable(), MemoryStore()
    return Ports(
        timeline=MemoryTimeline(state),
        contacts=MemoryContacts(state),
        enrollments=MemoryEnrollments(state),
        ledger=MemoryLedger(state),
        timers=MemoryTimers(state),
        members=MemoryMembers(state),
        progress=MemoryBackfillProgress(),
        registry=MemoryPublished(shelf),
        publications=MemoryPublishedWriter(shelf),
        files=MemoryFiles(),
        lives=MemoryContactRecords(state),
        remains=MemoryContactDeletion(state),
        requests=MemoryPrivacyRequests(state),
        vault=MemoryExportStorage(),
        limits=MemoryVisitorLimits(state),
        probes=MemoryProbes(),
        look=MemoryLook(state),
        people=MemoryBulkContacts(state),
        imports=MemoryImports(),
        exports=MemoryExports(),
        everything=MemoryStoreScan(state),
        uploads=MemoryUploads(),
        merging=MemoryMerging(state),
        tallies=MemoryReputationCounts(state),
        breakers=(breakers := MemoryMarketingStops(shelf)),
        closer=breakers,
        runs=MemoryRuns(state),
        count_jobs=MemoryCountJobs(),
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
    """Clients of the emulated services."""

    dynamodb: Any
    s3: Any

    def table(self, logical_id: str) -> Table:
        """A new table, created as template.yaml describes it."""
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
    """The template's parameters of CreateTable."""
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
        progress=DynamoBackfillProgress(workflows),
        registry=DynamoPublished(workflows, lambda: MONDAY_NOON, timedelta(0)),
        publications=DynamoPublishedWriter(workflows),
        lives=DynamoContactRecords(contacts),
        remains=DynamoContactDeletion(contacts, RETENTION),
        requests=DynamoPrivacyRequests(contacts),
        vault=S3ExportStorage(aws.s3, aws.bucket()),
        files=S3Files(aws.s3, bucket),
        limits=DynamoVisitorLimits(contacts),
        probes=DynamoProbes(contacts),
        look=DynamoLook(aws.dynamodb, contacts),
        people=DynamoBulkContacts(contacts, RETENTION, lambda: MONDAY_NOON),
        imports=DynamoImports(workflows),
        exports=DynamoExports(workflows),
        everything=DynamoStoreScan(contacts, lambda: MONDAY_NOON),
        uploads=S3Uploads(aws.s3, bucket),
        merging=DynamoMerging(contacts, RETENTION),
        tallies=DynamoReputationCounts(workflows, contacts),
        breakers=DynamoMarketingStops(workflows, lambda: MONDAY_NOON),
        closer=DynamoMarketingStops(workflows, lambda: MONDAY_NOON),
        runs=DynamoRuns(contacts),
        count_jobs=DynamoCountJobs(workflows),
    )
