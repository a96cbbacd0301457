from functools import cache
from typing import TYPE_CHECKING

from milepost.wiring import core, tables

if TYPE_CHECKING:
    from milepost.sending.aws import SesMailer, SesQuotas
    from milepost.sending.feedback import FeedbackRecorder, MarketingHealth
    from milepost.sending.rate_limit import SendRateLimiter
    from milepost.sending.send import MailSender
    from milepost.stores.settings import StoreSettings


def _mailer(address: str, configuration_set: str) -> "SesMailer":
    from milepost.sending.aws import SesMailer

    return SesMailer(core.client("sesv2"), address, configuration_set)


@cache
def mail_sender() -> "MailSender":
    from milepost.sending.aws import S3Attachments
    from milepost.sending.send import MailSender

    core.settings().need("sender", "configuration_set", "public_url", "bucket")
    return MailSender(
        registry=core.published(),
        ledger=tables.ledger(),
        mailer=_mailer(core.settings().sender, core.settings().configuration_set),
        secrets=core.secrets(),
        facts=tables.context_loader(),
        attachments=S3Attachments(lambda: core.client("s3"), core.settings().bucket),
        public_url=core.settings().public_url.rstrip("/"),
        now=core.clock().now,
        pace=send_rate_limiter(),
    )


@cache
def send_rate_limiter() -> "SendRateLimiter":
    from time import sleep

    from milepost.sending.dynamodb.send_slots import DynamoSendSlots
    from milepost.sending.rate_limit import SendRateLimiter

    slots = DynamoSendSlots(core.table(core.settings().workflows_table))
    return SendRateLimiter(slots, _quotas, core.clock().wire_now, sleep)


def _quotas() -> "SesQuotas":
    from milepost.sending.aws import SesQuotas

    return SesQuotas(core.client("sesv2"))


@cache
def feedback_recorder() -> "FeedbackRecorder":
    from milepost.sending.feedback import FeedbackRecorder

    def settings_of(store: str) -> "StoreSettings":
        return core.published().head(store).settings

    return FeedbackRecorder(
        tables.contacts(), tables.ledger(), tables.timeline(), settings_of, marketing_health()
    )


@cache
def marketing_health() -> "MarketingHealth":
    from milepost.sending.dynamodb.reputation import DynamoMarketingStops, DynamoReputationCounts
    from milepost.sending.feedback import MarketingHealth

    table = core.table(core.settings().workflows_table)
    counts = DynamoReputationCounts(table, core.table(core.settings().contacts_table))
    alerts = core.alerts if core.settings().alarm_topic else None
    stops = DynamoMarketingStops(table, core.clock().wire_now, core.cache_duration())
    return MarketingHealth(counts, stops, alerts, core.clock().now)
