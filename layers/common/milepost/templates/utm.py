"""Where a visitor of the shop comes from: UTM parameters on links to the store's own pages.

They name a workflow and a step, never a person.
"""

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from milepost.stores.settings import StoreSettings


class Campaign(NamedTuple):
    """What links get: `begins` are the beginnings of the store's own addresses, `own` that of
    Milepost's, which are left alone; nothing in `query` needs encoding."""

    begins: tuple[str, ...]
    own: str
    query: str


def campaign_of(
    settings: "StoreSettings", workflow: str, step: str, variant: str, public_url: str
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


def add_utm(address: str, campaign: Campaign) -> str:
    """The address with the parameters before its fragment. One that has a UTM parameter already, or
    leads elsewhere, stays as it is."""
    if "#" not in address:
        return address + utm_suffix(address, campaign)
    begins, hash_, fragment = address.partition("#")
    return f"{begins}{utm_suffix(begins, campaign)}{hash_}{fragment}"


def utm_suffix(address: str, campaign: Campaign) -> str:
    """What to put behind an address that has no fragment: `?utm_source=…`, or nothing."""
    head = address[:_LONGEST_HOST].lower()
    if not head.startswith(campaign.begins) or address.startswith(campaign.own):
        return ""
    begin = next(begin for begin in campaign.begins if head.startswith(begin))
    if address[len(begin) : len(begin) + 1] not in ("", "/", "?"):
        return ""  # another host that only begins alike, a port, a user's name
    if "?" not in address:
        return f"?{campaign.query}"
    query = address.partition("?")[2]
    if "utm_" in query:
        return ""  # its author counts otherwise
    return f"{'&' if query and not query.endswith('&') else ''}{campaign.query}"


def strip_utm(link: str, workflow: str, step: str, variant: str) -> str:
    """A link that was followed, as the template has it: conditions name it like that."""
    if "utm_campaign=" not in link:
        return link
    begins, hash_, fragment = link.partition("#")
    content = f"{step}.{variant}" if variant else step
    address, ours, _ = begins.rpartition("utm_source=")
    ends = f"&utm_campaign={workflow}&utm_content={content}"
    if not ours or not begins.endswith(ends) or address[-1:] not in ("?", "&"):
        return link
    return f"{address[:-1]}{hash_}{fragment}"
