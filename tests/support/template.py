"""Reads template.yaml as CloudFormation sees it: translated by SAM's own library, offline."""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
SUBSTITUTED = re.compile(r"\$\{([^!}][^}]*)\}")

Json = dict[str, Any]


@dataclass(frozen=True)
class Stack:
    """The template as written (`source`) and after the SAM transform (`translated`)."""

    source: Json
    translated: Json

    def of_type(self, kind: str) -> dict[str, Json]:
        """The translated resources of one type, by logical id."""
        resources: dict[str, Json] = self.translated["Resources"]
        return {name: each for name, each in resources.items() if each["Type"] == kind}

    def properties(self, kind: str) -> Iterator[tuple[str, Json]]:
        """Logical id and properties of each translated resource of one type."""
        for name, each in self.of_type(kind).items():
            yield name, each.get("Properties", {})


def read_stack(change: Callable[[Json], object] | None = None) -> Stack:
    """The project's stack, or the stack after `change` has edited the source in place."""
    source = copy.deepcopy(_source())
    if change is not None:
        change(source)
    return Stack(source, _translate(source))


@cache
def _source() -> Json:
    parsed: Json = yaml_parse(TEMPLATE.read_text())
    return parsed


def _translate(source: Json) -> Json:
    """Run the SAM transform, with uploads in place of folders, as `sam deploy` does."""
    uploaded = copy.deepcopy(source)
    for resource in uploaded["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://uploads/archive"
    session = boto3.Session(
        aws_access_key_id="none", aws_secret_access_key="none", region_name="us-east-1"
    )
    translator = Translator({}, Parser(), boto_session=session)
    translated: Json = translator.translate(uploaded, parameter_values={})
    return translated


def references(value: object) -> Iterator[str]:
    """Every logical id that a part of a template names, through Ref, Fn::GetAtt or Fn::Sub."""
    if isinstance(value, list):
        for each in value:
            yield from references(each)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        match key, inner:
            case "Ref", str():
                yield inner
            case "Fn::GetAtt", str():
                yield inner.split(".")[0]
            case "Fn::GetAtt", [str(first), *_]:
                yield first
            case "Fn::Sub", str():
                yield from _substituted(inner, {})
            case "Fn::Sub", [str(text), dict(given)]:
                yield from _substituted(text, given)
                yield from references(list(given.values()))
            case _:
                yield from references(inner)


def _substituted(text: str, given: Json) -> Iterator[str]:
    for name in SUBSTITUTED.findall(text):
        if name not in given:
            yield name.split(".")[0]


def dependencies(stack: Stack) -> dict[str, set[str]]:
    """For each resource, the resources that CloudFormation creates before it."""
    resources: dict[str, Json] = stack.translated["Resources"]
    graph = {}
    for name, resource in resources.items():
        named = resource.get("DependsOn", [])
        found = {named} if isinstance(named, str) else set(named)
        found |= set(references(resource.get("Properties", {})))
        graph[name] = (found & resources.keys()) - {name}
    return graph


def listed(value: Any) -> list[Any]:
    """Always a list: policies write one value alone and several as a list."""
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Statement:
    """One statement of a policy, and the resource that contains the policy."""

    place: str
    body: Json

    @property
    def allows(self) -> bool:
        return bool(self.body["Effect"] == "Allow")

    @property
    def actions(self) -> list[str]:
        return listed(self.body.get("Action", []))

    @property
    def resources(self) -> list[Any]:
        return listed(self.body.get("Resource", []))

    @property
    def sources(self) -> list[str]:
        """The condition keys that restrict the caller, in lower case as IAM compares them."""
        operators = self.body.get("Condition", {}).values()
        return [key.lower() for operator in operators for key in operator]


def identity_statements(stack: Stack) -> Iterator[Statement]:
    """The grants of roles and managed policies, including SAM's own roles."""
    for name, role in stack.properties("AWS::IAM::Role"):
        for policy in role.get("Policies", []):
            yield from _statements(name, policy["PolicyDocument"])
    for name, policy in stack.properties("AWS::IAM::ManagedPolicy"):
        yield from _statements(name, policy["PolicyDocument"])


def resource_statements(stack: Stack) -> Iterator[Statement]:
    """What queues, topics and buckets allow others."""
    for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy"):
        for name, policy in stack.properties(kind):
            yield from _statements(name, policy["PolicyDocument"])


def _statements(place: str, document: Json) -> Iterator[Statement]:
    for body in listed(document["Statement"]):
        yield Statement(place, body)


def text_of(value: Any) -> str:
    """A template value as text, with `${Name}` or `${Name.Attribute}` for references."""
    match value:
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), dict()]}:
            return text
        case _:
            return str(value)


def target_of(value: Any) -> str:
    """The logical id to which a value such as `!GetAtt Queue.Arn` refers."""
    return next(references(value), "")
