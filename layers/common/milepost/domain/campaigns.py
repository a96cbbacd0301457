"""Where a visitor of the shop comes from: UTM parameters on links to the store's own pages.

They name a workflow and a step, never a person.
"""

from typing import NamedTuple
from urllib.parse import urlsplit

from milepost.domain.settings import StoreSettings


class Campaign(NamedTuple):
    """What links get: `begins` are the beginnings of the store's own addresses, `own` that of
    Milepost's, which are left alone; nothing in `query` needs encoding."""

    begins: tuple[str, ...]
    own: str
    query: str


def campaign_of(
    settings: StoreSettings, workflow: str, step: str, variant: str, public_url: str
) -> Campaign | None:
    """The campaign of one step's mail; None if the store wants none."""
    utm = settings.utm
    if utm is False:
        return None
    hosts = {urlsplit(address).netloc.lower() for address in (settings.url, *settings.origins)}
    bare = {host.removeprefix("www.") for host in hosts if host}
    return Campaign(
        begins=tuple(
            f"{scheme}://{www}{host}"
            for host in sorted(bare)
            for scheme in ("https", "http")
            for www in ("", "www.")
        ),
        own=f"{public_url}/",
        query=f"utm_source={utm.get('source', SOURCE)}&utm_medium={utm.get('medium', MEDIUM)}"
        f"&utm_campaign={workflow}&utm_content={f'{step}.{variant}' if variant else step}",
    )


SOURCE, MEDIUM = "milepost", "email"
_LONGEST_HOST = 300


def marked(address: str, campaign: Campaign) -> str:
    """The address with the parameters it lacks, before its fragment; any other stays as it is."""
    if "#" not in address:
        return address + added(address, campaign)
    begins, hash_, fragment = address.partition("#")
    return f"{begins}{added(begins, campaign)}{hash_}{fragment}"


def added(address: str, campaign: Campaign) -> str:
    """What to put behind an address that has no fragment: `?utm_source=…`, or nothing."""
    head = address[:_LONGEST_HOST].lower()
    if not head.startswith(campaign.begins) or address.startswith(campaign.own):
        return ""
    begin = next(begin for begin in campaign.begins if head.startswith(begin))
    if address[len(begin) : len(begin) + 1] not in ("", "/", "?"):
        return ""  # another host that only begins alike, a port, a user's name
    if "?" not in address:
        return f"?{campaign.query}"
    wanted, query = campaign.query, address.partition("?")[2]
    if "utm_" in query:
        has = {pair.partition("=")[0] for pair in query.split("&")}
        pairs = wanted.split("&")
        wanted = "&".join(pair for pair in pairs if pair.partition("=")[0] not in has)
    glue = "&" if wanted and query and not query.endswith("&") else ""
    return f"{glue}{wanted}"
