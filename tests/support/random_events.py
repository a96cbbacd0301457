"""Random events of one contact, with many ties and contradictions."""

from datetime import timedelta

from hypothesis import strategies as st

from milepost.contacts.event import ConsentEvidence, ContactUpdate, Event, IdentifierKind
from tests.support.builders import ADA, MONDAY_NOON, STORE

instants = st.integers(0, 5).map(lambda n: MONDAY_NOON - timedelta(minutes=n))
answers = st.builds(
    ConsentEvidence,
    state=st.sampled_from(["granted", "withdrawn"]),
    method=st.sampled_from(["form", "shop"]),
    source=st.sampled_from(["footer", "checkout"]),
    topic=st.sampled_from(["offers", "news", None]),
    at=st.one_of(st.none(), instants),
)
people = st.builds(
    ContactUpdate,
    fields=st.fixed_dictionaries(
        {},
        optional={
            "first_name": st.sampled_from(["Ada", "Bo"]),
            "timezone": st.sampled_from(["Europe/Paris", "Asia/Tehran"]),
        },
    ),
    properties=st.dictionaries(
        st.sampled_from(["vip", "tags"]), st.sampled_from([True, 1, "yes", ["a"], None]), max_size=2
    ),
    consents=st.lists(answers, max_size=2).map(tuple),
)
amounts = st.one_of(
    st.floats(-1e14, 1e14),
    st.integers(-(10**14), 10**14),
    st.decimals(-(10**14), 10**14, allow_nan=False).map(str),
    st.sampled_from(["", "x", "1e400", "0." + "3" * 60, None, True]),
)
identifiers: st.SearchStrategy[dict[IdentifierKind, str]] = st.fixed_dictionaries(
    {"email": st.just(ADA)},
    optional={
        "external_id": st.sampled_from(["7", "8"]),
        "device": st.integers(0, 30).map(str),
    },
)
events = st.builds(
    Event,
    store=st.just(STORE),
    id=st.sampled_from(["1", "2", "3"]),
    name=st.sampled_from(["Viewed", "Replied", "Ordered"]),
    occurred_at=instants,
    source=st.sampled_from(["api", "shopify"]),
    identifiers=identifiers,
    data=st.builds(lambda amount: {"value": amount}, amounts),
    contact=people,
)
timelines = st.lists(events, max_size=8, unique_by=lambda e: (e.name, e.occurred_at, e.id))
