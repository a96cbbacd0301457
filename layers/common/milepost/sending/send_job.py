"""Drafts: what a visit of a `send_email` step comes to, before it is decided and as a mail."""

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from milepost.base.refs import EnrollmentRef, MessageRef
from milepost.contacts.profile import Profile
from milepost.contacts.recent_marketing import history_size
from milepost.enrollments.chance import choose_path
from milepost.enrollments.enrollment import Enrollment
from milepost.enrollments.program import Node, Program, TemplateUse, template_use, visit_of
from milepost.sending.message import Category, OutgoingEmail, PendingMessage, message_id
from milepost.sending.senders import FromIdentity
from milepost.sending.tracking import is_tracked
from milepost.templates.rendering import Rendered

if TYPE_CHECKING:
    from milepost.published.head import PublishedState


class SendJob(NamedTuple):
    """One visit of a `send_email` step by one contact. `due` is when its block began."""

    program: Program
    profile: Profile
    enrollment: Enrollment
    node: Node
    turn: int
    due: datetime


def pending_message(task: SendJob, head: "PublishedState") -> PendingMessage:
    """The message about to be decided."""
    node, workflow, ref = task.node, task.program.head, task.enrollment.ref
    variant, (template, pinned) = _version(ref, node)
    category: Category = node.get("category") or workflow["category"]
    topic = (
        node.get("topic") or workflow.get("topic") or next(iter(head.settings.topics or ()), None)
    )
    id_ = message_id(ref, node["id"], visit_of(node, task.turn))
    return PendingMessage(
        ref=MessageRef(ref.store, ref.contact, id_),
        enrollment=ref,
        step=node["id"],
        turn=task.turn,
        category=category,
        topic=topic if category == "marketing" else None,
        template=template,
        template_hash=pinned or head.templates.get(template, ""),
        variant=variant,
        recipient=task.profile.email or "",
        leg=task.enrollment.execution_no,
        owner=task.profile.contact,
        mailed=task.profile.recent_sends,
        remember=history_size(head.settings.caps),
    )


def _version(ref: EnrollmentRef, node: Node) -> tuple[str, TemplateUse]:
    """The variant and the template that fall to this enrollment."""
    if "variants" not in node:
        return "", template_use(node)
    templates = {variant["name"]: template_use(variant) for variant in node["variants"]}
    weights = {variant["name"]: variant.get("weight", 1) for variant in node["variants"]}
    chosen = choose_path(ref, node["id"], weights)
    return chosen, templates[chosen]


def build_email(
    draft: PendingMessage,
    head: "PublishedState",
    rendered: Rendered,
    unsubscribe: str,
    task: SendJob,
    origin: FromIdentity,
) -> OutgoingEmail:
    """The finished message, without its files."""
    headers = {"Content-Language": rendered.locale}
    if draft.category == "marketing":
        # RFC 8058: one HTTPS address, and the promise that a POST to it is enough.
        headers |= {
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    return OutgoingEmail(
        ref=draft.ref,
        to=draft.recipient,
        sender_name=origin.name,
        sender_address=origin.address,
        reply_to=origin.reply_to,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        headers=headers,
        tags={
            "message": draft.ref.id,
            "store": draft.ref.store,
            "workflow": draft.enrollment.workflow,
            "step": draft.step,
            **({"variant": draft.variant} if draft.variant else {}),
        },
        tracked=is_tracked(head.settings.tracking, task.profile.consents()),
    )
