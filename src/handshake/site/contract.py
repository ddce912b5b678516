"""The contract of a site's release <-> the plain JSON that its manifest carries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields

from pydantic import TypeAdapter, ValidationError

from handshake.core.compressible import Encoding
from handshake.core.site_contract import DAY_SECONDS, HeaderRule, RedirectRule, SiteContract
from handshake.site.contract_check import find_contract_faults
from handshake.site.settings import SiteSettings

_ADAPTER = TypeAdapter(SiteContract)
_KNOWN = frozenset(field.name for field in fields(SiteContract))


def make_contract(
    settings: SiteSettings,
    paths: Collection[str],
    *,
    redirects: tuple[RedirectRule, ...] = (),
    headers: tuple[HeaderRule, ...] = (),
) -> SiteContract:
    """Return what a release of these files promises; `paths` are those that are published."""
    return SiteContract(
        assets=settings.assets,
        is_pretty=settings.pretty_urls,
        not_found=settings.not_found if settings.not_found in paths else "",
        fallback=settings.fallback,
        query=tuple(sorted(settings.query)),
        encodings=tuple(Encoding),
        dialect=settings.dialect,
        redirects=redirects,
        headers=headers,
        retention_seconds=settings.retention_days * DAY_SECONDS,
    )


def parse_contract(contract: Mapping[str, object]) -> SiteContract:
    """Return a manifest's contract; what an older release does not say has its default.

    ValueError where it says what this program does not understand: such a release needs a newer edge.
    """
    if unknown := sorted(contract.keys() - _KNOWN):
        raise ValueError(
            f"the site's contract speaks of {', '.join(unknown)}, which this program does not know"
        )
    try:
        parsed = _ADAPTER.validate_python(contract)
    except ValidationError as error:
        raise ValueError(f"this is no site's contract: {error}") from error
    if faults := find_contract_faults(parsed):
        raise ValueError(f"no site's contract says {'; '.join(faults[:5])}")
    return parsed


def print_contract(contract: SiteContract) -> dict[str, object]:
    """Return the contract as plain JSON values."""
    printed: dict[str, object] = _ADAPTER.dump_python(contract, mode="json")
    return printed
