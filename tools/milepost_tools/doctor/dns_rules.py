"""Checks of the sender domain's DNS: SPF of its MAIL FROM domain, DMARC, DKIM records."""

from collections.abc import Iterator, Mapping, Sequence

from milepost_tools.doctor.finding import Finding, advice, ok, wrong
from milepost_tools.doctor.sending import Identity

OF_SES = "amazonses.com"
_POLICIES = ("none", "quarantine", "reject")


def check_mail_from(
    identity: Identity, texts: Sequence[str], exchangers: Sequence[str]
) -> Iterator[Finding]:
    """SPF applies to the domain that receives bounces. It is SES's own unless one is set.

    `texts` and `exchangers` are the TXT and MX records of that domain.
    """
    mail_from = identity.mail_from
    if not mail_from:
        remedy = f"set a custom MAIL FROM domain in SES, such as bounce.{identity.name}"
        yield advice("spf", f"passes for {OF_SES}, not for {identity.name}", remedy)
        return
    found = [text for text in texts if text.lower().split(" ")[0] == "v=spf1"]
    record = f'publish the TXT record "v=spf1 include:{OF_SES} ~all" at {mail_from}'
    if not found:
        yield wrong("spf", f"{mail_from} has no SPF record", record)
    elif len(found) > 1:
        yield wrong("spf", f"{mail_from} has {len(found)} SPF records, so none counts", record)
    elif f"include:{OF_SES}" not in found[0].lower().split():
        yield wrong("spf", f"the SPF record of {mail_from} does not include {OF_SES}", record)
    elif {"+all", "all"} & {*found[0].lower().split()}:
        yield wrong("spf", f"the SPF record of {mail_from} lets anybody send", record)
    else:
        yield ok("spf", f"{mail_from} lets SES send")
    if not any(name.rstrip(".").lower().endswith(f".{OF_SES}") for name in exchangers):
        remedy = f"publish the MX record of {mail_from} that SES shows: bounces come back by it"
        yield wrong("mail-from", f"{mail_from} has no MX record of SES", remedy)
    elif identity.mail_from_state not in {"", "SUCCESS"}:
        remedy = "SES looks again by itself, for three days; after that set the domain anew"
        yield wrong("mail-from", f"SES has it as {identity.mail_from_state.lower()}", remedy)
    else:
        yield ok("mail-from", f"bounces go to {mail_from}")


def check_dkim_records(
    identity: Identity, records: Mapping[str, Sequence[str]]
) -> Iterator[Finding]:
    """`records` maps each name of `dkim_names` to its CNAME records."""
    missing = [
        name
        for name, targets in records.items()
        if not any(target.rstrip(".").lower().endswith(OF_SES) for target in targets)
    ]
    if missing:
        remedy = "publish the CNAME records that SES shows for it"
        yield wrong("dkim-records", f"{', '.join(missing)} does not lead to SES", remedy)
    elif records:
        yield ok("dkim-records", f"all {len(records)} of {identity.name} lead to SES")


def dkim_names(identity: Identity) -> list[str]:
    """The names of the DNS records that verify SES's signatures."""
    return [f"{token}._domainkey.{identity.name}" for token in identity.tokens]


def dmarc_names(domain: str) -> list[str]:
    """Where a domain's policy can be: its own name, or a domain above it, the nearest first.

    RFC 9989 makes receivers walk up the tree. A policy of a public suffix would not apply to us.
    """
    labels = domain.split(".")
    return ["_dmarc." + ".".join(labels[start:]) for start in range(len(labels) - 1)]


def check_dmarc(domain: str, found: Sequence[tuple[str, Sequence[str]]]) -> Iterator[Finding]:
    """`found` maps each of `dmarc_names` to its TXT records."""
    remedy = f'publish the TXT record "v=DMARC1; p=none" at _dmarc.{domain}'
    for name, texts in found:
        records = [tags for text in texts if (tags := _tags(text))]
        if len(records) > 1:
            yield wrong("dmarc", f"{name} has {len(records)} records, so none counts", remedy)
            return
        if not records:
            continue
        own = name == f"_dmarc.{domain}"
        policy = records[0].get("p", "") if own else records[0].get("sp", records[0].get("p", ""))
        if policy not in _POLICIES:
            yield wrong("dmarc", f'{name} has no policy: p is "{policy}"', remedy)
        else:
            yield ok("dmarc", f"{name} says {policy}")
        return
    said = f"{domain} has no DMARC record, and mailbox providers refuse bulk mail without one"
    yield wrong("dmarc", said, remedy)


def _tags(text: str) -> dict[str, str]:
    """The tags of a DMARC record; empty for another record."""
    parts = [part.partition("=") for part in text.split(";")]
    tags = {name.strip().lower(): value.strip() for name, _, value in parts}
    if text.strip().lower().startswith("v") and tags.get("v") == "DMARC1":
        return {name: value.lower() for name, value in tags.items()}
    return {}
