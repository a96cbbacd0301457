from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import core

if TYPE_CHECKING:
    from milepost.api.dynamodb import DynamoContactRecords
    from milepost.contacts.dynamodb.contacts import DynamoContacts
    from milepost.contacts.dynamodb.profile_item import DynamoMembers
    from milepost.contacts.dynamodb.timeline import DynamoTimeline
    from milepost.enrollments.condition_data import ContextLoader
    from milepost.enrollments.dynamodb.enrollments import DynamoEnrollments
    from milepost.pages.dynamodb import DynamoVisitorLimits
    from milepost.privacy.dynamodb import DynamoPrivacyRequests
    from milepost.runtime.dynamodb.backfill import DynamoBackfillProgress
    from milepost.runtime.dynamodb.timers import DynamoTimers
    from milepost.runtime.merging.dynamodb import DynamoMerging
    from milepost.sending.dynamodb.ledger import DynamoLedger
    from milepost.sending.dynamodb.probes import DynamoProbes


@cache
def timeline() -> "DynamoTimeline":
    from milepost.contacts.dynamodb.timeline import DynamoTimeline

    return DynamoTimeline(core.table(core.settings().contacts_table), core.settings().retention)


@cache
def contacts() -> "DynamoContacts":
    from milepost.contacts.dynamodb.contacts import DynamoContacts

    table = core.table(core.settings().contacts_table)
    return DynamoContacts(table, core.settings().retention, core.clock().to_wire)


@cache
def members() -> "DynamoMembers":
    from milepost.contacts.dynamodb.profile_item import DynamoMembers

    return DynamoMembers(core.table(core.settings().contacts_table))


@cache
def merging() -> "DynamoMerging":
    from milepost.runtime.merging.dynamodb import DynamoMerging

    table = core.table(core.settings().contacts_table)
    return DynamoMerging(table, core.settings().retention, core.clock().to_wire)


@cache
def enrollments() -> "DynamoEnrollments":
    from milepost.enrollments.dynamodb.enrollments import DynamoEnrollments

    table = core.table(core.settings().contacts_table)
    return DynamoEnrollments(table, core.settings().retention, core.clock().to_wire)


@cache
def ledger() -> "DynamoLedger":
    from milepost.sending.dynamodb.ledger import DynamoLedger

    return DynamoLedger(core.table(core.settings().contacts_table), core.clock().to_wire)


@cache
def context_loader() -> "ContextLoader":
    from milepost.enrollments.condition_data import ContextLoader

    return ContextLoader(timeline(), ledger())


@cache
def probes() -> "DynamoProbes":
    from milepost.sending.dynamodb.probes import DynamoProbes

    return DynamoProbes(core.table(core.settings().contacts_table))


@cache
def backfill_progress() -> "DynamoBackfillProgress":
    from milepost.runtime.dynamodb.backfill import DynamoBackfillProgress

    return DynamoBackfillProgress(core.table(core.settings().workflows_table))


@cache
def contact_records() -> "DynamoContactRecords":
    from milepost.api.dynamodb import DynamoContactRecords

    return DynamoContactRecords(core.table(core.settings().contacts_table))


@cache
def privacy_requests() -> "DynamoPrivacyRequests":
    from milepost.privacy.dynamodb import DynamoPrivacyRequests

    return DynamoPrivacyRequests(core.table(core.settings().contacts_table))


@cache
def visitor_limits() -> "DynamoVisitorLimits":
    from milepost.pages.dynamodb import DynamoVisitorLimits

    return DynamoVisitorLimits(core.table(core.settings().contacts_table))


@cache
def timers() -> "DynamoTimers":
    from milepost.runtime.dynamodb.timers import DynamoTimers

    return DynamoTimers(core.table(core.settings().contacts_table))
