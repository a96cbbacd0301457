"""The committed API description matches its models and routes."""

import json
import re
from pathlib import Path

from milepost.handlers.contacts import ROUTES as OF_CONTACTS
from milepost_tools.openapi.document import document, text
from milepost_tools.openapi.routes import ROUTES
from tests.support.wsgi import find, routes

PAGE = Path(__file__).parent.parent.parent / "docs" / "openapi.json"


def test_committed_openapi_matches_models() -> None:
    """If it fails, run `python -m milepost_tools.openapi > docs/openapi.json` with the right
    path."""
    assert PAGE.read_text("utf-8") == text()


def test_openapi_describes_exactly_the_template_routes() -> None:
    assert sorted(route.key for route in ROUTES) == sorted(routes())


def test_contacts_function_serves_its_template_routes() -> None:
    assert sorted(OF_CONTACTS) == sorted(k for k, of in routes().items() if of == "contacts")


def test_every_operation_has_a_unique_name() -> None:
    names = [route.name for route in ROUTES]
    assert len(set(names)) == len(names)


def test_every_reference_resolves() -> None:
    whole = document()
    for kind, name in re.findall(r'"#/components/(\w+)/([^"]+)"', json.dumps(whole)):
        assert name in whole["components"][kind], name


def test_paths_and_queries_contain_no_personal_identifier() -> None:
    """URLs are logged by every server in between."""
    parameters = {
        parameter["name"]
        for path in document()["paths"].values()
        for operation in path.values()
        for parameter in operation["parameters"]
        if parameter["in"] in {"path", "query"}
    }
    assert not parameters & {"email", "phone", "external_id", "device_id", "identifier"}


def test_literal_path_segment_precedes_variable() -> None:
    found = find("POST", "/v1/acme/contacts/find")
    assert found is not None
    assert found[0] == "POST /v1/{store}/contacts/find"
