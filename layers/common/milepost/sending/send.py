"""From a step's send job to the e-mail that SES accepts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base.errors import ThrottledError
from milepost.base.names import EnrollmentRef, MessageRef
from milepost.base.times import parse_duration
from milepost.contacts.profile import Profile
from milepost.contacts.recent_marketing import history_size
from milepost.enrollments.chance import choose_path
from milepost.enrollments.condition_data import ContextLoader
from milepost.enrollments.enrollment import (
    Enrollment,
    deferred_resume_point,
    email_data,
    template_data,
)
from milepost.enrollments.program import Node, Program, TemplateUse, template_use, visit_of
from milepost.sending.gate import (
    Defer,
    GateInput,
    Send,
    Skip,
    conditions_needed,
    decide_send,
    defer,
    sending_limits_of,
)
from milepost.sending.links import recipient_urls
from milepost.sending.message import (
    Category,
    ClaimDenied,
    Claimed,
    NoResponse,
    OutgoingEmail,
    PendingMessage,
    SubmissionRejected,
    is_claimable,
    message_id,
)
from milepost.sending.senders import FromIdentity, from_identity
from milepost.stores.settings import is_tracked
from milepost.templates.rendering import Rendered, RenderingError, is_clipped
from milepost.templates.utm import Campaign, campaign_of

if TYPE_CHECKING:
    from milepost.enrollments.ports import PendingOutcomes
    from milepost.published.head import Published, PublishedState
    from milepost.sending.ports import Attachments, Ledger, Mailer
    from milepost.sending.rate_limit import SendRateLimiter
    from milepost.stores.store_secrets import Secrets


class SendJob(NamedTuple):
    """One visit of a `send_email` step. It is due at `due`, in block run `block_seq`."""

    program: Program
    profile: Profile
    enrollment: Enrollment
    node: Node
    block_seq: int
    due: datetime


def pending_message(job: SendJob, head: "PublishedState") -> PendingMessage:
    """The message before its decision."""
    node, workflow, ref = job.node, job.program.options, job.enrollment.ref
    variant, (template, pinned) = _variant(ref, node)
    category: Category = node.get("category") or workflow["category"]
    topic = (
        node.get("topic") or workflow.get("topic") or next(iter(head.settings.topics or ()), None)
    )
    id_ = message_id(ref, node["id"], visit_of(node, job.block_seq))
    return PendingMessage(
        ref=MessageRef(ref.store, ref.contact, id_),
        enrollment=ref,
        step=node["id"],
        block_seq=job.block_seq,
        category=category,
        topic=topic if category == "marketing" else None,
        template=template,
        template_hash=pinned or head.templates.get(template, ""),
        variant=variant,
        recipient=job.profile.email or "",
        execution_no=job.enrollment.execution_no,
        owner=job.profile.contact,
        mailed=job.profile.recent_sends,
        remember=history_size(head.settings.caps),
    )


def _variant(ref: EnrollmentRef, node: Node) -> tuple[str, TemplateUse]:
    """The variant and the template for this enrollment."""
    if "variants" not in node:
        return "", template_use(node)
    templates = {variant["name"]: template_use(variant) for variant in node["variants"]}
    weights = {variant["name"]: variant.get("weight", 1) for variant in node["variants"]}
    variant = choose_path(ref, node["id"], weights)
    return variant, templates[variant]


def build_email(
    pending: PendingMessage,
    head: "PublishedState",
    rendered: Rendered,
    unsubscribe: str,
    job: SendJob,
    sender: FromIdentity,
) -> OutgoingEmail:
    """The finished e-mail, without its attachments."""
    headers = {"Content-Language": rendered.locale}
    if pending.category == "marketing":
        # RFC 8058: one HTTPS address, and the promise that a POST to it unsubscribes.
        headers |= {
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    return OutgoingEmail(
        ref=pending.ref,
        to=pending.recipient,
        sender_name=sender.name,
        sender_address=sender.address,
        reply_to=sender.reply_to,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        headers=headers,
        tags={
            "message": pending.ref.id,
            "store": pending.ref.store,
            "workflow": pending.enrollment.workflow,
            "step": pending.step,
            **({"variant": pending.variant} if pending.variant else {}),
        },
        tracked=is_tracked(head.settings.tracking, job.profile.consents()),
    )


class Sent(NamedTuple):
    """The result of a send job: the contact afterwards, and why the enrollment ends, if it does.

    `written` says that the pending outcomes were saved. They are not saved if an earlier run, maybe
    of another version, decided the message.
    """

    profile: Profile
    ended_reason: str | None = None
    written: bool = True


class SendPaused(NamedTuple):
    """The workflow or the store is paused, or its marketing is stopped: the message waits until a
    person resumes it."""


class SendDeferred(NamedTuple):
    """The message of a step must not go now: its block run continues later, as `defer` says."""

    step: str
    defer: Defer


@dataclass(frozen=True, slots=True)
class MailSender:
    """Sends e-mail. `public_url` is the base of its links, without a slash at the end.

    Without a `pace`, the rate is not limited, as in a simulation.
    """

    registry: "Published"
    ledger: "Ledger"
    mailer: "Mailer"
    secrets: "Secrets"
    facts: ContextLoader
    attachments: "Attachments"
    public_url: str
    now: Callable[[], datetime]
    pace: "SendRateLimiter | None" = None

    def send(self, job: SendJob, outcomes: "PendingOutcomes") -> Sent | SendPaused | SendDeferred:
        """Send or skip the message, or return the decision of an earlier run.

        The pending `outcomes` are saved with the decision. Raises `ThrottledError` when SES
        throttles: the same call later passes the gate again and finds its own claim.
        """
        head = self.registry.head(job.profile.store)
        if head.is_paused(job.program.workflow):
            return SendPaused()
        pending = pending_message(job, head)
        if head.breaker is not None and pending.category == "marketing":
            # A decided message must not block the steps behind it, such as a receipt.
            return self._decided_before(job, pending, outcomes) or SendPaused()
        gate_input = self._gate_input(job, head, pending)
        decision = decide_send(gate_input)
        if not isinstance(decision, Send):
            return self._hold_back(job, pending, decision, outcomes)
        pending = replace(pending, decision_numbers=decision.numbers)
        mail = self._compose(job, head, pending)
        if isinstance(mail, RenderingError):
            self._record_skip(pending, "failed", str(mail), outcomes)
            return Sent(job.profile)
        if self.pace and (
            no_slot := self.pace.reserve(pending, head.settings, job.due, self.now())
        ):
            deferral = defer(gate_input, no_slot.until, no_slot.reason)
            return self._hold_back(job, pending, deferral, outcomes)
        at = self.now()
        claim = self.ledger.claim(pending, outcomes, at)
        if isinstance(claim, ClaimDenied):
            return self._already_decided(job, pending, claim, outcomes)
        self._submit(mail)
        return Sent(replace(job.profile, recent_sends=pending.mailed_at(at)))

    def retry_message(self, job: SendJob) -> bool:
        """Try a transactional message once more after its first result stayed unknown. Return False
        if it must wait for the end of a pause.

        Raises `ThrottledError`; the caller then tries again.
        """
        head = self.registry.head(job.profile.store)
        if head.is_paused(job.program.workflow):
            return False
        pending = pending_message(job, head)
        open_job = job._replace(enrollment=replace(job.enrollment, status="active"))
        decision = decide_send(self._gate_input(open_job, head, pending))
        mail = self._compose(job, head, pending)
        if not isinstance(decision, Send) or isinstance(mail, RenderingError):
            return True
        if self.pace and (no_slot := self.pace.wait(pending.ref, pending.category, None)):
            raise ThrottledError(f"no send slot is available: {no_slot}")
        if isinstance(self.ledger.claim_again(pending, self.now()), Claimed):
            self._submit(mail, last=True)
        return True

    def _hold_back(
        self,
        job: SendJob,
        pending: PendingMessage,
        decision: Skip | Defer,
        outcomes: "PendingOutcomes",
    ) -> Sent | SendDeferred:
        if isinstance(decision, Defer):
            return self._decided_before(job, pending, outcomes) or SendDeferred(
                pending.step, decision
            )
        pending = replace(pending, decision_numbers=decision.numbers)
        self._record_skip(pending, "skipped", decision.reason, outcomes)
        return Sent(job.profile, decision.reason if decision.exits_enrollment else None)

    def _gate_input(
        self, job: SendJob, head: "PublishedState", pending: PendingMessage
    ) -> GateInput:
        live = head.workflows.get(job.program.workflow)
        expires = job.node.get("expires")
        rules = sending_limits_of(head.settings, job.profile)
        return GateInput(
            profile=job.profile,
            enrollment=job.enrollment,
            program=job.program,
            facts=self.facts.load_for_enrollment(
                conditions_needed(job.program), job.profile, job.enrollment, self.now()
            ),
            category=pending.category,
            topic=pending.topic,
            store_paused=head.settings.paused,
            workflow_paused=live is not None and live.status == "paused",
            late=self.now() - job.due,
            expires=parse_duration(expires) if expires else None,
            hours=rules.hours,
            limits=rules.limits,
            may_wait=job.node.get("on_cap") == "defer",
            message=pending.ref.id,
            waited=deferred_resume_point(job.enrollment, job.block_seq, pending.step),
        )

    def _decided_before(
        self, job: SendJob, pending: PendingMessage, outcomes: "PendingOutcomes"
    ) -> Sent | None:
        """The decision of an earlier run of this block run; None if there is no final one yet."""
        statuses = self.ledger.message_statuses(
            pending.enrollment, {pending.step: visit_of(job.node, job.block_seq)}
        )
        known = statuses.get(pending.step)
        if known is None or is_claimable(known):
            return None
        return self._already_decided(
            job, pending, ClaimDenied("decided before", known["status"]), outcomes
        )

    def _already_decided(
        self, job: SendJob, pending: PendingMessage, claim: ClaimDenied, outcomes: "PendingOutcomes"
    ) -> Sent:
        ended_reason = self._settle_denied_claim(pending, claim, outcomes)
        return Sent(job.profile, ended_reason, written=claim.status is None)

    def _compose(
        self, job: SendJob, head: "PublishedState", pending: PendingMessage
    ) -> OutgoingEmail | RenderingError:
        if not pending.template_hash:
            return RenderingError(pending.template, "folder", "no such template is published")
        keys = self.secrets.of(job.profile.store)
        if keys is None or not keys.links:
            raise ThrottledError("the store has no link-key, so no unsubscribe link can be made")
        shop_url, now = head.settings.url, self.now()
        urls = recipient_urls(
            self.public_url, shop_url, pending, job.enrollment, now, keys.links[0]
        )
        template = self.registry.template(
            pending.ref.store, pending.template, pending.template_hash
        )
        data = template_data(job.profile, job.enrollment, head.settings)
        sender = from_identity(job.node, pending.variant, data, head.settings)
        context = email_data(data, sender.name, urls, now)
        try:
            rendered = template.render(context, job.profile.get("locale"), self._utm(pending, head))
        except RenderingError as error:
            return error
        if pending.category == "marketing" and is_clipped(rendered.html):
            reason = "with this contact's values it is over 102 KB, where Gmail clips"
            return RenderingError(pending.template, "html", reason)
        mail = build_email(pending, head, rendered, urls["unsubscribe"], job, sender)
        return self._attach_files(mail, job)

    def _attach_files(self, mail: OutgoingEmail, job: SendJob) -> OutgoingEmail | RenderingError:
        paths = job.node.get("attachments")
        if not paths:
            return mail
        from milepost.sending.load_attachments import load_attachments  # few e-mails have any

        name, data = job.enrollment.event_name, job.enrollment.event_data
        files = load_attachments(self.attachments, mail.ref.store, paths, name, data)
        if isinstance(files, str):
            return RenderingError(job.node["id"], "attachments", files)
        return mail._replace(files=files)

    def _utm(self, pending: PendingMessage, head: "PublishedState") -> Campaign | None:
        workflow = pending.enrollment.workflow
        return campaign_of(head.settings, workflow, pending.step, pending.variant, self.public_url)

    def _submit(self, mail: OutgoingEmail, last: bool = False) -> None:
        """Submit the message. After the `last` try, only the scheduler settles it.

        The result of the try before the last one is unknown, so a rejection of the last try does
        not settle the message either.
        """
        answer = self.mailer.send(mail)
        if isinstance(answer, SubmissionRejected) and last:
            answer = NoResponse(answer.reason)
        self.ledger.record_result(mail.ref, answer, self.now())
        if isinstance(answer, SubmissionRejected) and answer.retry:
            raise ThrottledError(f"SES is throttling: {answer.reason}")

    def _settle_denied_claim(
        self, pending: PendingMessage, claim: ClaimDenied, outcomes: "PendingOutcomes"
    ) -> str | None:
        if claim.status == "claimed":
            # An earlier run was interrupted between its claim and its answer.
            self.ledger.record_result(pending.ref, NoResponse("interrupted"), self.now())
        elif claim.status is None and claim.ended:
            return claim.reason
        elif claim.status is None:
            self._record_skip(pending, "skipped", claim.reason, outcomes)
        return None

    def _record_skip(
        self, pending: PendingMessage, status: Any, reason: str, outcomes: "PendingOutcomes"
    ) -> None:
        self.ledger.record_skip(pending, status, reason, outcomes, self.now())
