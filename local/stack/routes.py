"""The routes of an HTTP API, which the emulator ignores in an OpenAPI body.

SAM writes them into the `Body` of the API. This module reads them from the deployed template (after
SAM), so there is no second list, and can create them any number of times.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.aws import ACCOUNT, REGION, Clients
from local.errors import LocalError

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client


API = "AWS::ApiGatewayV2::Api"
ANY_METHOD = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"
METHODS = ("get", "head", "post", "put", "patch", "delete", "options", ANY_METHOD)


@dataclass(frozen=True, slots=True)
class WantedRoute:
    """A route key such as `POST /v1/{store}/events`, and the address of its Lambda integration."""

    key: str
    uri: str


def create_routes(aws: Clients, stack: str) -> dict[str, str]:
    """Create the routes of each HTTP API of the stack; returns logical id → API id."""
    template = aws.cloudformation.get_template(StackName=stack, TemplateStage="Processed")
    body: Any = template["TemplateBody"]
    if not isinstance(body, dict):
        raise LocalError(f"The emulator gave the template of {stack} in a form that is not JSON.")
    physical = physical_ids(aws, stack)
    apis: dict[str, str] = {}
    for name, resource in body["Resources"].items():
        if resource["Type"] == API and "Body" in resource["Properties"]:
            wanted = list(wanted_routes(resource["Properties"]["Body"], physical))
            settle(aws.apigateway, physical[name], wanted)
            apis[name] = physical[name]
    return apis


def physical_ids(aws: Clients, stack: str) -> dict[str, str]:
    """Logical id → physical id of every resource of the stack."""
    pages = aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
    }


def wanted_routes(body: Mapping[str, Any], physical: Mapping[str, str]) -> Iterator[WantedRoute]:
    """The routes of an OpenAPI document, in its order."""
    for path, methods in body.get("paths", {}).items():
        for method in METHODS:
            if method not in methods:
                continue
            verb = "ANY" if method == ANY_METHOD else method.upper()
            key = "$default" if path == "/$default" else f"{verb} {path}"
            uri = methods[method][INTEGRATION]["uri"]
            yield WantedRoute(key, resolve(uri, physical))


def resolve(uri: object, physical: Mapping[str, str]) -> str:
    """An integration's URI with the pseudo parameters and function ARNs filled in."""
    text = uri.get("Fn::Sub") if isinstance(uri, dict) else uri
    if not isinstance(text, str):
        raise LocalError(f"An integration of the HTTP API has an address of a new form: {uri!r}.")

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in ("AWS::Region", "AWS::Partition"):
            return REGION if name == "AWS::Region" else "aws"
        function = physical[name.removesuffix(".Arn")]
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"

    return re.sub(r"\$\{([^}]+)\}", value, text)


def settle(client: "ApiGatewayV2Client", api: str, wanted: list[WantedRoute]) -> None:
    """Create the missing routes and delete all others."""
    uris = {
        one.get("IntegrationUri", ""): one["IntegrationId"]
        for one in client.get_integrations(ApiId=api, MaxResults="500")["Items"]
    }
    existing = {
        one["RouteKey"]: one for one in client.get_routes(ApiId=api, MaxResults="500")["Items"]
    }
    for route in wanted:
        if route.uri not in uris:
            uris[route.uri] = client.create_integration(
                ApiId=api,
                IntegrationType="AWS_PROXY",
                IntegrationMethod="POST",
                IntegrationUri=route.uri,
                PayloadFormatVersion="2.0",
            )["IntegrationId"]
        target = f"integrations/{uris[route.uri]}"
        found = existing.pop(route.key, None)
        if found is None:
            client.create_route(ApiId=api, RouteKey=route.key, Target=target)
        elif found.get("Target") != target:
            client.update_route(ApiId=api, RouteId=found["RouteId"], Target=target)
    for leftover in existing.values():
        client.delete_route(ApiId=api, RouteId=leftover["RouteId"])


def find_api(apis: Mapping[str, str]) -> str:
    """The id of the stack's HTTP API. Raises LocalError if there is none or more than one."""
    if len(apis) != 1:
        raise LocalError(f"The template must have one HTTP API with routes; it has {len(apis)}.")
    return next(iter(apis.values()))
