"""The cost of one send in steady state: three requests to DynamoDB, and one to SES."""

from collections import Counter
from typing import Any

import pytest

from milepost.contacts.dynamodb.timeline import DynamoTimeline
from milepost.enrollments.condition_data import ContextLoader
from milepost.enrollments.ports import PendingOutcomes
from milepost.sending.dynamodb.ledger import DynamoLedger
from milepost.sending.dynamodb.send_slots import DynamoSendSlots
from milepost.sending.rate_limit import SendRateLimiter, SesQuota
from milepost.sending.send import MailSender, SendJob, Sent
from milepost.simulator.memory.attachments import MemoryAttachments
from milepost.simulator.memory.mailer import MemoryMailer
from milepost.simulator.memory.secrets import MemorySecrets
from tests.support.builders import MONDAY_NOON, enrollment_ref, send, settings, shop, workflow
from tests.support.environment import PUBLIC_URL
from tests.support.ledgers import with_ada
from tests.support.ports import RETENTION, Cloud, dynamo_ports
from tests.support.world import World

STEPS = [f"mail-{number}" for number in range(8)]
WARM_UP = {"starts": "2026-11-01", "first_day": 500}


class Ses:
    """SES whose quota is read once."""

    def quota(self) -> SesQuota:
        return SesQuota(400, 50_000, 0)


@pytest.mark.parametrize("own", [{}, {"warm_up": WARM_UP, "caps": {"per_day": 20}}])
@pytest.mark.parametrize("category", ["marketing", "transactional"])
def test_sending_costs_a_slot_a_claim_and_a_result(
    aws: Cloud, category: str, own: dict[str, Any]
) -> None:
    """The published state is already cached, as in a function that has sent before."""
    ports = with_ada(dynamo_ports(aws))
    loaded = ports.enrollments.load(enrollment_ref())
    assert loaded is not None
    profile, enrollment = loaded
    world = World()
    mails = workflow(*map(send, STEPS), category=category, topic="offers")
    world.publish({**shop(**{enrollment.ref.workflow: mails}), "settings.json": settings(**own)})
    assert isinstance(ports.ledger, DynamoLedger)
    contacts, mailer = ports.ledger.table, MemoryMailer()
    sender = MailSender(
        registry=world.registry,
        ledger=ports.ledger,
        mailer=mailer,
        secrets=MemorySecrets(world.keys),
        facts=ContextLoader(DynamoTimeline(contacts, RETENTION), ports.ledger),
        attachments=MemoryAttachments(),
        public_url=PUBLIC_URL,
        now=lambda: MONDAY_NOON,
        pace=SendRateLimiter(
            DynamoSendSlots(aws.table("WorkflowsTable")), Ses, lambda: MONDAY_NOON, lambda _: None
        ),
    )
    program = world.program(enrollment.ref.workflow)
    calls: Counter[str] = Counter()

    def count(model: Any, **_: Any) -> None:
        calls[model.name] += 1

    aws.dynamodb.meta.events.register("after-call.dynamodb", count)
    for number, step in enumerate(STEPS):
        if number == 3:
            calls.clear()
        node = program.nodes[step]
        sent = sender.send(
            SendJob(program, profile, enrollment, node, 0, MONDAY_NOON), PendingOutcomes()
        )
        assert isinstance(sent, Sent) and sent.ended_reason is None
        profile = sent.profile
    aws.dynamodb.meta.events.unregister("after-call.dynamodb", count)
    assert len(mailer.mails) == len(STEPS)
    assert calls == {"UpdateItem": 2 * 5, "TransactWriteItems": 5}
