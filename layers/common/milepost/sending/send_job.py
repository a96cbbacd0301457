"""The send job of a `send_email` step, its message before the decision, and the finished e-mail."""

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
