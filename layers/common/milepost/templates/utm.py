"""UTM parameters on links to the store's own pages. They name no person."""

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from milepost.stores.settings import StoreSettings


class Campaign(NamedTuple):
    """The parameters for links: `query` goes to addresses that begin with one of `begins`, the
    store's own. Milepost's addresses begin with `own` and stay unchanged. `query` needs no
    encoding."""

    begins: tuple[str, ...]
    own: str
    query: str


def campaign_of(
    settings: "StoreSettings", workflow: str, step: str, variant: str, public_url: str
) -> Campaign | None:
    """The campaign of one step's e-mail; None if the store has turned UTM parameters off."""
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
_MAX_HOST_LENGTH = 300


def add_utm(address: str, campaign: Campaign) -> str:
    """The address with the parameters before its fragment. Addresses with a UTM parameter and
    addresses of other sites stay unchanged."""
    if "#" not in address:
        return address + utm_suffix(address, campaign)
    base, hash_, fragment = address.partition("#")
    return f"{base}{utm_suffix(base, campaign)}{hash_}{fragment}"


def utm_suffix(address: str, campaign: Campaign) -> str:
    """The suffix for an address without a fragment: `?utm_source=…`, or nothing."""
    head = address[:_MAX_HOST_LENGTH].lower()
    if not head.startswith(campaign.begins) or address.startswith(campaign.own):
        return ""
    begin = next(begin for begin in campaign.begins if head.startswith(begin))
    if address[len(begin) : len(begin) + 1] not in ("", "/", "?"):
        return ""  # another host with the same beginning, a port, or a user name
    if "?" not in address:
        return f"?{campaign.query}"
    query = address.partition("?")[2]
    if "utm_" in query:
        return ""  # the author has set other parameters
    return f"{'&' if query and not query.endswith('&') else ''}{campaign.query}"


def strip_utm(link: str, workflow: str, step: str, variant: str) -> str:
    """A clicked link as the template has it, without our parameters. Conditions use this form."""
    if "utm_campaign=" not in link:
        return link
    base, hash_, fragment = link.partition("#")
    content = f"{step}.{variant}" if variant else step
    address, found, _ = base.rpartition("utm_source=")
    expected_end = f"&utm_campaign={workflow}&utm_content={content}"
    if not found or not base.endswith(expected_end) or address[-1:] not in ("?", "&"):
        return link
    return f"{address[:-1]}{hash_}{fragment}"
