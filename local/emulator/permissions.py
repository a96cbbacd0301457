"""Permissions: check a call against the resource that AWS checks.

MiniStack with AUTH=true enforces every function's role. For some calls it does not determine the
resource and checks them against `*`, so it refuses a correctly scoped policy. A wider template
would hide real mistakes, so this module determines the resource.
"""

import contextlib
import json
from email.utils import getaddresses, parseaddr
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import get_account_id
from ministack.services import ses_v2

from local.emulator import AUTHORIZE_ONLY, state_machines

Headers = dict[str, str]
Answer = tuple[int, Headers, bytes]

SEND_EMAIL = "/v2/email/outbound-emails"
NO_CONTENT: Answer = (204, {}, b"")


def apply() -> None:
    """Wrap MiniStack's functions. Raises AttributeError if one of them does not exist."""
    resource_of = iam_actions.extract_resource_arn
    enforce_ses = app._enforce_ses_v2
    pin_origin = app.pin_request_origin

    def extract_resource_arn(service: str, *arguments: Any) -> str:
        _method, _path, headers, body, _params, region, account = arguments
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        named = resource_named(service, action, body, f"{region}:{account}")
        return named or str(resource_of(service, *arguments))

    def enforce_ses_v2(
        method: str, path: str, headers: Headers, body: bytes, params: Any, request: str
    ) -> Answer | None:
        if method != "POST" or path.rstrip("/") != SEND_EMAIL or not app.AUTH:
            return enforce_ses(method, path, headers, body, params, request)  # type: ignore[no-any-return]
        scope = f"arn:aws:ses:{app.extract_region(headers, params)}:{get_account_id()}"
        context, resources = what_a_mail_needs(body, scope, ses_v2._identities)
        for resource in resources:
            denied: Answer | None = app._enforce_data_plane(
                "sesv2",
                "ses:SendEmail",
                headers,
                params,
                request,
                resource_arn=resource,
                service_context=context,
                named_resource=resource,
            )
            if denied:
                return denied
        # The SES stand-in holds the mail itself and only asks for the authorization check, so stop
        # here.
        return NO_CONTENT if headers.get(AUTHORIZE_ONLY) else None

    def pin_request_origin(source_ip: str, _secure: bool) -> None:
        # A bucket policy that refuses plain HTTP must not refuse the loopback interface.
        pin_origin(source_ip, True)

    iam_actions.extract_resource_arn = extract_resource_arn
    app._enforce_ses_v2 = enforce_ses_v2
    app.pin_request_origin = pin_request_origin


def resource_named(service: str, action: str, body: bytes, scope: str) -> str | None:
    """The ARN that AWS checks for calls that MiniStack checks against `*`; None for other calls."""
    if service == "ssm" and action == "GetParametersByPath":
        path = str(read(body).get("Path", ""))
        return f"arn:aws:ssm:{scope}:parameter/{path.lstrip('/')}" if path else None
    if service == "states" and action.startswith("SendTask"):
        return state_machines.machine_of_token(str(read(body).get("taskToken", "")))
    return None


def what_a_mail_needs(
    body: bytes, scope: str, identities: Any
) -> tuple[dict[str, object], list[str]]:
    """The condition keys of a SendEmail call, and the resources that its caller must be granted.

    SES checks the verified identity (the address itself, else its domain) and, if one is named, the
    configuration set.
    """
    request = read(body)
    name, sender = parseaddr(str(request.get("FromEmailAddress", "")))
    destination = request.get("Destination")
    fields = destination.values() if isinstance(destination, dict) else ()
    recipients = [
        address
        for field in fields
        if isinstance(field, list)
        for _, address in getaddresses([str(entry) for entry in field])
    ]
    identity = sender if sender in identities else sender.rpartition("@")[2]
    resources = [f"{scope}:identity/{identity}"]
    if request.get("ConfigurationSetName"):
        resources.append(f"{scope}:configuration-set/{request['ConfigurationSetName']}")
    context: dict[str, object] = {"ses:FromAddress": sender, "ses:Recipients": recipients}
    if name:
        context["ses:FromDisplayName"] = name
    return context, resources


def read(body: bytes) -> dict[str, Any]:
    """A request's JSON object; empty if it is invalid, which the service itself refuses."""
    with contextlib.suppress(ValueError):
        document = json.loads(body or b"{}")
        if isinstance(document, dict):
            return document
    return {}
