"""The description of the API is that of its models and routes, and is committed."""

import json
import re
from pathlib import Path

from milepost.handlers.contacts import ROUTES as OF_CONTACTS
from milepost_tools.openapi.document import document, text
from milepost_tools.openapi.routes import ROUTES
from tests.support.wsgi import find, routes

PAGE = Path(__file__).parent.parent.parent / "docs" / "openapi.json"


def test_the_document_is_that_of_the_models() -> None:
    """If not: `python -m milepost_tools.openapi > docs/openapi.json`, on the right path."""
    assert PAGE.read_text("utf-8") == text()


def test_every_route_of_the_template_is_described_and_no_other() -> None:
    assert sorted(route.key for route in ROUTES) == sorted(routes())


def test_the_function_of_contacts_serves_the_routes_that_the_template_gives_it() -> None:
    assert sorted(OF_CONTACTS) == sorted(k for k, of in routes().items() if of == "contacts")


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [route.name for route in ROUTES]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere() -> None:
    whole = document()
    for kind, name in re.findall(r'"#/components/(\w+)/([^"]+)"', json.dumps(whole)):
        assert name in whole["components"][kind], name


def test_what_is_in_a_path_or_a_query_is_never_an_identifier_of_a_person() -> None:
    """URLs are logged by whatever stands in between."""
    parameters = {
        parameter["name"]
        for path in document()["paths"].values()
        for operation in path.values()
        for parameter in operation["parameters"]
        if parameter["in"] in {"path", "query"}
    }
    assert not parameters & {"email", "phone", "external_id", "device_id", "identifier"}


def test_a_literal_part_of_a_path_goes_before_a_variable() -> None:
    found = find("POST", "/v1/acme/contacts/find")
    assert found is not None
    assert found[0] == "POST /v1/{store}/contacts/find"
