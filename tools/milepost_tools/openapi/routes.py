"""Every route of the API. A new route of the template needs an entry here."""

from milepost.api.bodies import ConsentBody, LookupBody, PatchBody, UpsertBody
from milepost_tools.openapi import models
from milepost_tools.openapi.route import HTML, JSON, Route

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

READS = (401, 404, 422, 503)
WRITES = (400, 401, 404, 413, 422, 503)
CONTACT = "/v1/{store}/contacts/{contact}"

EVENTS = [
    Route(
        "POST /v1/{store}/events", "report_events", "Events", "Report events",
        answers={
            200: models.Kept, 202: models.KeptOrResults, 207: models.Results,
        },
        errors=WRITES, body=models.Events,
    ),
    Route(
        "POST /v1/{store}/webhooks/{source}", "webhook", "Events",
        "Receive a webhook of a shop platform",
        answers={200: models.Acknowledged},
        errors=WRITES, body=models.Delivery, access="platform",
    ),
]  # fmt: skip

CONTACTS = [
    Route(
        "POST /v1/{store}/contacts/find", "find_contact", "Contacts", "Find a contact",
        answers={200: models.Contact}, errors=WRITES, body=LookupBody,
    ),
    Route(
        "POST /v1/{store}/contacts", "upsert_contact", "Contacts", "Create or update a contact",
        answers={200: models.Changed, 202: models.Changed},
        errors=WRITES, body=UpsertBody, repeats=True,
    ),
    Route(
        f"GET {CONTACT}", "read_contact", "Contacts", "Get a contact",
        answers={200: models.Contact}, errors=READS,
    ),
    Route(
        f"PATCH {CONTACT}", "change_contact", "Contacts", "Change fields of a contact",
        answers={200: models.Changed, 202: models.Changed},
        errors=WRITES, body=PatchBody, repeats=True,
    ),
    Route(
        f"GET {CONTACT}/timeline", "read_timeline", "Contacts", "List events, newest first",
        answers={200: models.Page[models.EventRecord]}, errors=READS, query=models.TimelineQuery,
    ),
    Route(
        f"GET {CONTACT}/enrollments", "read_enrollments", "Contacts", "List enrollments",
        answers={200: models.Page[models.Enrollment]}, errors=READS, query=models.PageQuery,
    ),
    Route(
        f"GET {CONTACT}/messages", "read_messages", "Contacts",
        "List messages and why they were sent or skipped",
        answers={200: models.Page[models.Message]}, errors=READS, query=models.PageQuery,
    ),
    Route(
        f"GET {CONTACT}/consents", "read_consents", "Contacts", "List consent records",
        answers={200: models.Page[models.Proof]}, errors=READS, query=models.PageQuery,
    ),
    Route(
        f"POST {CONTACT}/consents", "record_consent", "Contacts", "Record consent",
        answers={200: models.Changed, 202: models.Changed},
        errors=WRITES, body=ConsentBody, repeats=True,
    ),
    Route(
        f"PUT {CONTACT}/lists/{{list}}", "add_to_list", "Contacts", "Add to list",
        answers={200: models.Changed, 202: models.Changed}, errors=READS, repeats=True,
    ),
    Route(
        f"DELETE {CONTACT}/lists/{{list}}", "remove_from_list", "Contacts", "Remove from list",
        answers={200: models.Changed, 202: models.Changed}, errors=READS, repeats=True,
    ),
]  # fmt: skip

SEGMENTS = [
    Route(
        "GET /v1/{store}/segments/{name}", "read_segment", "Segments",
        "Get a segment and its count",
        answers={200: models.Segment}, errors=READS,
    ),
    Route(
        "GET /v1/{store}/segments/{name}/members", "read_segment_members", "Segments",
        "List the members of a segment",
        answers={200: models.Members}, errors=(400, *READS), query=models.MembersQuery,
    ),
    Route(
        "PUT /v1/{store}/segments/{name}/members/{contact}", "put_into_segment", "Segments",
        "Add to a static segment",
        answers={202: models.Membership}, errors=(*READS, 409),
    ),
    Route(
        "DELETE /v1/{store}/segments/{name}/members/{contact}", "take_from_segment", "Segments",
        "Remove from a static segment",
        answers={202: models.Membership}, errors=(*READS, 409),
    ),
    Route(
        "POST /v1/{store}/segments/preview", "preview_segment", "Segments",
        "Estimate how many contacts match a condition",
        answers={200: models.Estimated}, errors=WRITES, body=models.Preview,
    ),
    Route(
        "GET /v1/{store}/lists/{name}", "read_list", "Segments", "Get a list and its count",
        answers={200: models.ListCount}, errors=READS,
    ),
    Route(
        "GET /v1/{store}/lists/{name}/members", "read_list_members", "Segments",
        "List the members of a list", answers={200: models.Members}, errors=(400, *READS),
        query=models.MembersQuery,
    ),
]  # fmt: skip

PRIVACY = [
    Route(
        f"POST {CONTACT}/export", "export_contact", "Privacy", "Export a contact",
        answers={202: models.Asked}, errors=READS, repeats=True,
    ),
    Route(
        f"DELETE {CONTACT}", "erase_contact", "Privacy", "Erase a contact",
        answers={202: models.Asked}, errors=READS, repeats=True,
    ),
    Route(
        "GET /v1/{store}/privacy/{request}", "read_request", "Privacy", "Get request status",
        answers={200: models.Request}, errors=READS,
    ),
]  # fmt: skip

RECIPIENTS = [
    Route(
        "GET /v1/{store}/unsubscribe/{token}", "show_unsubscribe", "Recipients",
        "Show unsubscribe page",
        answers={200: {HTML: None}, 404: {HTML: None, JSON: models.Error}},
        errors=(503,), access="anyone",
    ),
    Route(
        "POST /v1/{store}/unsubscribe/{token}", "unsubscribe", "Recipients", "Unsubscribe",
        answers={
            200: {HTML: None, JSON: models.Unsubscribed}, 404: {HTML: None, JSON: models.Error},
        },
        errors=(400, 413, 503),
        body={FORM: models.UnsubscribeForm, MULTIPART: models.UnsubscribeForm}, access="anyone",
    ),
    Route(
        "GET /v1/{store}/preferences/{token}", "show_preferences", "Recipients",
        "Show preferences page",
        answers={200: {HTML: None}, 404: {HTML: None, JSON: models.Error}},
        errors=(503,), access="anyone",
    ),
    Route(
        "POST /v1/{store}/preferences/{token}", "save_preferences", "Recipients",
        "Save preferences",
        answers={200: {HTML: None}, 404: {HTML: None, JSON: models.Error}, 422: {HTML: None}},
        errors=(400, 413, 415, 503), body={FORM: models.Wishes}, access="anyone",
    ),
    Route(
        "GET /v1/{store}/view/{token}", "view_mail", "Recipients", "Show an e-mail",
        answers={200: {HTML: None}, 404: {HTML: None, JSON: models.Error}, 410: {HTML: None}},
        errors=(503,), access="anyone",
    ),
]  # fmt: skip

PREFLIGHT = {204: None}

VISITORS = [
    Route(
        "POST /v1/{store}/forms/{form}", "sign_up", "Visitors", "Submit a sign-up form",
        answers={200: {HTML: None}, 202: models.Taken, 303: {HTML: None},
                 422: {HTML: None, JSON: models.Error}, 429: {HTML: None, JSON: models.TooMany}},
        errors=(400, 404, 413, 415, 503),
        body={JSON: models.FormFields, FORM: models.FormFields}, access="anyone",
    ),
    Route(
        "OPTIONS /v1/{store}/forms/{form}", "ask_sign_up", "Visitors", "CORS preflight",
        answers=PREFLIGHT, errors=(404, 413, 503), access="anyone",
    ),
    Route(
        "GET /v1/{store}/confirm/{token}", "show_confirmation", "Visitors",
        "Show confirmation page",
        answers={200: {HTML: None}, 404: {HTML: None, JSON: models.Error}, 410: {HTML: None}},
        errors=(503,), access="anyone",
    ),
    Route(
        "POST /v1/{store}/confirm/{token}", "confirm", "Visitors", "Confirm a sign-up",
        answers={200: {HTML: None}, 404: {HTML: None, JSON: models.Error}, 410: {HTML: None}},
        errors=(400, 413, 415, 503), body={FORM: models.Confirmed}, access="anyone",
    ),
    Route(
        "POST /v1/{store}/browser", "report_browsing", "Visitors", "Report browsing events",
        answers={202: models.Taken}, errors=(400, 401, 403, 404, 413, 422, 503),
        body={JSON: models.BrowserReport, "text/plain": models.BrowserReport}, access="anyone",
    ),
    Route(
        "OPTIONS /v1/{store}/browser", "ask_browsing", "Visitors", "CORS preflight",
        answers=PREFLIGHT, errors=(404, 413, 503), access="anyone",
    ),
    Route(
        "GET /v1/{store}/milepost.js", "read_script", "Visitors", "Get the browser script",
        answers={200: {"text/javascript": None}, 304: None}, errors=(404,), access="anyone",
    ),
]  # fmt: skip

ROUTES: tuple[Route, ...] = (*EVENTS, *CONTACTS, *SEGMENTS, *PRIVACY, *RECIPIENTS, *VISITORS)
