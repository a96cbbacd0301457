"""Send: one gate, one ledger, one submission.

The gate decides, the ledger claims in a transaction that asks the things that must not be out of
date once more, the post is handed the message once, and the answer is written down. Whatever
happens in between, a second run finds the claim and does not submit again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base.durations import parse_duration
from milepost.base.errors import ThrottledError
from milepost.contacts.profile import Profile
from milepost.enrollments.condition_data import ContextLoader
from milepost.enrollments.enrollment import email_data, template_data
from milepost.enrollments.executions import deferred_resume_point
from milepost.enrollments.program import visit_of
from milepost.sending.caps import restraints_of
from milepost.sending.gate import (
    Defer,
    GateInput,
    Send,
    Skip,
    conditions_needed,
    decide_send,
    defer,
)
from milepost.sending.links import recipient_urls
from milepost.sending.message import (
    ClaimDenied,
    Claimed,
    NoResponse,
    OutgoingEmail,
    PendingMessage,
    SubmissionRejected,
    is_claimable,
)
from milepost.sending.send_job import SendJob, build_email, pending_message
from milepost.sending.senders import from_identity
from milepost.templates.rendering import RenderingError
from milepost.templates.sizes import is_clipped
from milepost.templates.utm import Campaign, campaign_of

if TYPE_CHECKING:
    from milepost.enrollments.ports import PendingOutcomes
    from milepost.published.head import Published, PublishedState
    from milepost.sending.ports import Attachments, Ledger, Mailer
    from milepost.sending.send_slots import SendRateLimiter
    from milepost.stores.store_secrets import Secrets


class Sent(NamedTuple):
    """What came of a task: the contact as known afterwards, and why all is over, if it is.

    `written` says that the journal was: not with a message that was decided long ago, by a turn of
    another version as it may be, whose journal was another.
    """

    profile: Profile
    ended_reason: str | None = None
    written: bool = True


class SendPausedError(NamedTuple):
    """The workflow or its store has been paused, or its marketing stopped: whatever was to be sent
    has to wait until a person lets it go on."""


class SendDeferredError(NamedTuple):
    """The message of a step must not go now: its turn goes on later, as `defer` says."""

    step: str
    defer: Defer


@dataclass(frozen=True, slots=True)
class MailSender:
    """Sends e-mail. `public_url` is where the links in it lead, without a slash at the end.

    Without a `pace` nobody counts how fast it is, as in a simulation.
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

    def send(
        self, task: SendJob, journal: "PendingOutcomes"
    ) -> Sent | SendPausedError | SendDeferredError:
        """Send or skip, or find that this has been done.

        `journal` is written with the decision. Raises `ThrottledError` when the post is: the same
        call later goes through the gate again and finds its own claim.
        """
        head = self.registry.head(task.profile.store)
        if head.is_paused(task.program.workflow):
            return SendPausedError()
        draft = pending_message(task, head)
        if head.breaker is not None and draft.category == "marketing":
            # What is behind one that was decided, a receipt as it may be, is held up by nothing.
            return self._decided_before(task, draft, journal) or SendPausedError()
        question = self._question(task, head, draft)
        decision = decide_send(question)
        if not isinstance(decision, Send):
            return self._held_back(task, draft, decision, journal)
        draft = replace(draft, decision_numbers=decision.numbers)
        mail = self._compose(task, head, draft)
        if isinstance(mail, RenderingError):
            self._close(draft, "failed", str(mail), journal)
            return Sent(task.profile)
        if self.pace and (later := self.pace.reserve(draft, head.settings, task.due, self.now())):
            late = defer(question, later.until, later.reason)
            return self._held_back(task, draft, late, journal)
        at = self.now()
        claim = self.ledger.claim(draft, journal, at)
        if isinstance(claim, ClaimDenied):
            return self._found(task, draft, claim, journal)
        self._submit(mail)
        return Sent(replace(task.profile, recent_sends=draft.mailed_at(at)))

    def retry_message(self, task: SendJob) -> bool:
        """The one second try of a transactional message whose first outcome stayed unknown; False
        if it has to wait for the end of a pause.

        Raises `ThrottledError`: it is asked for again.
        """
        head = self.registry.head(task.profile.store)
        if head.is_paused(task.program.workflow):
            return False
        draft = pending_message(task, head)
        open_task = task._replace(enrollment=replace(task.enrollment, status="active"))
        decision = decide_send(self._question(open_task, head, draft))
        mail = self._compose(task, head, draft)
        if not isinstance(decision, Send) or isinstance(mail, RenderingError):
            return True
        if self.pace and (why := self.pace.wait(draft.ref, draft.category, None)):
            raise ThrottledError(f"no mail can go now: {why}")
        if isinstance(self.ledger.claim_again(draft, self.now()), Claimed):
            self._submit(mail, last=True)
        return True

    def _held_back(
        self,
        task: SendJob,
        draft: PendingMessage,
        decision: Skip | Defer,
        journal: "PendingOutcomes",
    ) -> Sent | SendDeferredError:
        if isinstance(decision, Defer):
            return self._decided_before(task, draft, journal) or SendDeferredError(
                draft.step, decision
            )
        draft = replace(draft, decision_numbers=decision.numbers)
        self._close(draft, "skipped", decision.reason, journal)
        return Sent(task.profile, decision.reason if decision.exits_enrollment else None)

    def _question(self, task: SendJob, head: "PublishedState", draft: PendingMessage) -> GateInput:
        live = head.workflows.get(task.program.workflow)
        expires = task.node.get("expires")
        rules = restraints_of(head.settings, task.profile)
        return GateInput(
            profile=task.profile,
            enrollment=task.enrollment,
            program=task.program,
            facts=self.facts.load_for_enrollment(
                conditions_needed(task.program), task.profile, task.enrollment, self.now()
            ),
            category=draft.category,
            topic=draft.topic,
            store_paused=head.settings.paused,
            workflow_paused=live is not None and live.status == "paused",
            late=self.now() - task.due,
            expires=parse_duration(expires) if expires else None,
            hours=rules.hours,
            limits=rules.limits,
            may_wait=task.node.get("on_cap") == "defer",
            message=draft.ref.id,
            waited=deferred_resume_point(task.enrollment, task.turn, draft.step),
        )

    def _decided_before(
        self, task: SendJob, draft: PendingMessage, journal: "PendingOutcomes"
    ) -> Sent | None:
        """What an earlier run of this turn came to: None if its message may still have to wait."""
        fates = self.ledger.message_statuses(
            draft.enrollment, {draft.step: visit_of(task.node, task.turn)}
        )
        held = fates.get(draft.step)
        if held is None or is_claimable(held):
            return None
        return self._found(task, draft, ClaimDenied("decided before", held["status"]), journal)

    def _found(
        self, task: SendJob, draft: PendingMessage, claim: ClaimDenied, journal: "PendingOutcomes"
    ) -> Sent:
        over = self._not_claimed(draft, claim, journal)
        return Sent(task.profile, over, written=claim.status is None)

    def _compose(
        self, task: SendJob, head: "PublishedState", draft: PendingMessage
    ) -> OutgoingEmail | RenderingError:
        if not draft.template_hash:
            return RenderingError(draft.template, "folder", "no such template is published")
        keys = self.secrets.of(task.profile.store)
        if keys is None or not keys.links:
            raise ThrottledError("the store has no link-key, so no unsubscribe link can be made")
        shop_url, now = head.settings.url, self.now()
        urls = recipient_urls(self.public_url, shop_url, draft, task.enrollment, now, keys.links[0])
        template = self.registry.template(draft.ref.store, draft.template, draft.template_hash)
        data = template_data(task.profile, task.enrollment, head.settings)
        origin = from_identity(task.node, draft.variant, data, head.settings)
        context = email_data(data, origin.name, urls, now)
        try:
            rendered = template.render(
                context, task.profile.get("locale"), self._campaign(draft, head)
            )
        except RenderingError as error:
            return error
        if draft.category == "marketing" and is_clipped(rendered.html):
            reason = "with this contact's values it is over 102 KB, where Gmail clips"
            return RenderingError(draft.template, "html", reason)
        mail = build_email(draft, head, rendered, urls["unsubscribe"], task, origin)
        return self._with_files(mail, task)

    def _with_files(self, mail: OutgoingEmail, task: SendJob) -> OutgoingEmail | RenderingError:
        paths = task.node.get("attachments")
        if not paths:
            return mail
        from milepost.sending.load_attachments import load_attachments  # few mails carry any

        name, data = task.enrollment.event_name, task.enrollment.event_data
        files = load_attachments(self.attachments, mail.ref.store, paths, name, data)
        if isinstance(files, str):
            return RenderingError(task.node["id"], "attachments", files)
        return mail._replace(files=files)

    def _campaign(self, draft: PendingMessage, head: "PublishedState") -> Campaign | None:
        workflow = draft.enrollment.workflow
        return campaign_of(head.settings, workflow, draft.step, draft.variant, self.public_url)

    def _submit(self, mail: OutgoingEmail, last: bool = False) -> None:
        """Hand the message over; after the `last` try nobody comes back but the reconciler.

        Of the try before it nobody knows the outcome, so a "no" to the last one is none either.
        """
        answer = self.mailer.send(mail)
        if isinstance(answer, SubmissionRejected) and last:
            answer = NoResponse(answer.reason)
        self.ledger.record_result(mail.ref, answer, self.now())
        if isinstance(answer, SubmissionRejected) and answer.retry:
            raise ThrottledError(f"the post is busy: {answer.reason}")

    def _not_claimed(
        self, draft: PendingMessage, claim: ClaimDenied, journal: "PendingOutcomes"
    ) -> str | None:
        if claim.status == "claimed":
            # An earlier run was cut off between its claim and its answer.
            self.ledger.record_result(draft.ref, NoResponse("interrupted"), self.now())
        elif claim.status is None and claim.ended:
            return claim.reason
        elif claim.status is None:
            self._close(draft, "skipped", claim.reason, journal)
        return None

    def _close(
        self, draft: PendingMessage, status: Any, reason: str, journal: "PendingOutcomes"
    ) -> None:
        self.ledger.record_skip(draft, status, reason, journal, self.now())
