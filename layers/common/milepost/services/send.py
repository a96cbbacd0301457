"""Send: one gate, one ledger, one submission.

The gate decides, the ledger claims in a transaction that asks the things that must not be out of
date once more, the post is handed the message once, and the answer is written down. Whatever
happens in between, a second run finds the claim and does not submit again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from milepost.domain import instants
from milepost.domain.contacts import Profile
from milepost.domain.enrollments import Enrollment
from milepost.domain.gate import Question, Skip, conditions_asked, decide_send
from milepost.domain.messages import (
    Category,
    Claimed,
    Draft,
    Mail,
    NotClaimed,
    Refused,
    Unanswered,
    message_id,
)
from milepost.domain.program import Node, Program
from milepost.domain.refs import MessageRef
from milepost.domain.rendering import Rendered, RenderingError
from milepost.domain.tokens import Unsubscribe, seal
from milepost.ports import Busy, Head, Journal, Ledger, Mailer, Registry, Secrets
from milepost.services.facts import FactFinder


@dataclass(frozen=True, slots=True)
class Task:
    """One `send_email` step for one contact."""

    program: Program
    profile: Profile
    enrollment: Enrollment
    node: Node


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends e-mail. `public_url` is where the links in it lead, without a slash at the end."""

    registry: Registry
    ledger: Ledger
    mailer: Mailer
    secrets: Secrets
    facts: FactFinder
    public_url: str
    now: Callable[[], datetime]

    def send(self, task: Task, journal: Journal) -> str | None:
        """Send or skip; the reason why the whole enrollment is over, or None.

        `journal` is written with the decision. Raises `Busy` when the post is: the same call
        later goes through the gate again and finds its own claim.
        """
        head = self.registry.head(task.profile.store)
        draft = _draft(task, head)
        decision = decide_send(self._question(task, head, draft))
        if isinstance(decision, Skip):
            self._close(
                replace(draft, numbers=decision.numbers), "skipped", decision.reason, journal
            )
            return decision.reason if decision.ends else None
        draft = replace(draft, numbers=decision.numbers)
        mail = self._compose(task, head, draft)
        if isinstance(mail, RenderingError):
            self._close(draft, "failed", str(mail), journal)
            return None
        claim = self.ledger.claim(draft, journal, self.now())
        if isinstance(claim, NotClaimed):
            return self._not_claimed(draft, claim, journal)
        self._submit(mail)
        return None

    def send_again(self, task: Task) -> None:
        """The one second try of a transactional message whose first outcome stayed unknown."""
        head = self.registry.head(task.profile.store)
        draft = _draft(task, head)
        open_task = replace(task, enrollment=replace(task.enrollment, status="active"))
        decision = decide_send(self._question(open_task, head, draft))
        mail = self._compose(task, head, draft)
        if isinstance(decision, Skip) or isinstance(mail, RenderingError):
            return
        if isinstance(self.ledger.claim_again(draft, self.now()), Claimed):
            self._submit(mail, last=True)

    def _question(self, task: Task, head: Head, draft: Draft) -> Question:
        live = head.workflows.get(task.program.workflow)
        return Question(
            profile=task.profile,
            enrollment=task.enrollment,
            program=task.program,
            facts=self.facts.inside(
                conditions_asked(task.program), task.profile, task.enrollment, self.now()
            ),
            category=draft.category,
            topic=draft.topic,
            store_paused=head.settings.paused,
            workflow_paused=live is not None and live.status == "paused",
        )

    def _compose(self, task: Task, head: Head, draft: Draft) -> Mail | RenderingError:
        if not draft.template_hash:
            return RenderingError(draft.template, "folder", "no such template is published")
        keys = self.secrets.of(task.profile.store)
        if keys is None or not keys.links:
            raise Busy("the store has no link-key, so no unsubscribe link can be made")
        token = seal(
            Unsubscribe(draft.ref.store, draft.ref.contact, draft.topic or "", draft.ref.id),
            keys.links[0],
        )
        link = f"{self.public_url}/v1/{draft.ref.store}/unsubscribe/{token}"
        template = self.registry.template(draft.ref.store, draft.template, draft.template_hash)
        try:
            rendered = template.render(
                _context(task, head, link, self.now()), task.profile.get("locale")
            )
        except RenderingError as error:
            return error
        return _mail(draft, head, rendered, link)

    def _submit(self, mail: Mail, last: bool = False) -> None:
        """Hand the message over; after the `last` try nobody comes back but the reconciler."""
        answer = self.mailer.send(mail)
        busy = isinstance(answer, Refused) and answer.retry
        if isinstance(answer, Refused) and busy and last:
            answer = Unanswered(answer.reason)
        self.ledger.settle(mail.ref, answer, self.now())
        if isinstance(answer, Refused) and busy:
            raise Busy(f"the post is busy: {answer.reason}")

    def _not_claimed(self, draft: Draft, claim: NotClaimed, journal: Journal) -> str | None:
        if claim.status == "claimed":
            # An earlier run was cut off between its claim and its answer.
            self.ledger.settle(draft.ref, Unanswered("interrupted"), self.now())
        elif claim.status is None and claim.ended:
            return claim.reason
        elif claim.status is None:
            self._close(draft, "skipped", claim.reason, journal)
        return None

    def _close(self, draft: Draft, status: Any, reason: str, journal: Journal) -> None:
        self.ledger.close(draft, status, reason, journal, self.now())


def _draft(task: Task, head: Head) -> Draft:
    node, workflow, ref = task.node, task.program.head, task.enrollment.ref
    category: Category = node.get("category") or workflow["category"]
    topic = (
        node.get("topic") or workflow.get("topic") or next(iter(head.settings.topics or ()), None)
    )
    return Draft(
        ref=MessageRef(ref.store, ref.contact, message_id(ref, node["id"])),
        enrollment=ref,
        step=node["id"],
        category=category,
        topic=topic if category == "marketing" else None,
        template=node["template"],
        template_hash=head.templates.get(node["template"], ""),
        recipient=task.profile.email or "",
    )


def _context(task: Task, head: Head, unsubscribe: str, now: datetime) -> dict[str, Any]:
    settings = head.settings
    return {
        "contact": task.profile.as_data(),
        "event": {**task.enrollment.event_data, "name": task.enrollment.event_name},
        "store": {
            "name": settings.name,
            "url": settings.url,
            "postal_address": settings.postal_address,
            "logo_url": settings.logo_url,
            "currency": settings.currency,
        },
        "steps": {step: dict(outcome) for step, outcome in task.enrollment.outcomes.items()},
        "urls": {"unsubscribe": unsubscribe},
        "now": instants.show(now),
    }


def _mail(draft: Draft, head: Head, rendered: Rendered, unsubscribe: str) -> Mail:
    headers: Mapping[str, str] = {}
    if draft.category == "marketing":
        # RFC 8058: one HTTPS address, and the promise that a POST to it is enough.
        headers = {
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    return Mail(
        ref=draft.ref,
        to=draft.recipient,
        sender_name=head.settings.name,
        reply_to=head.settings.reply_to,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        headers=headers,
        tags={
            "message": draft.ref.id,
            "store": draft.ref.store,
            "workflow": draft.enrollment.workflow,
            "step": draft.step,
        },
    )
