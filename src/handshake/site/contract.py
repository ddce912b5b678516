"""The contract of a site's release: made, checked, printed into its manifest and parsed from it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields

from pydantic import TypeAdapter, ValidationError

from handshake.release.manifest import DAY_SECONDS, MOVES, Encoding, HeaderRule, RedirectRule, SiteContract
from handshake.site.headers import is_own
from handshake.site.rules import find_fault, normalise
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
        raise ValueError(f"the site's contract contains unknown fields: {', '.join(unknown)}")
    try:
        parsed = _ADAPTER.validate_python(contract)
    except ValidationError as error:
        raise ValueError(f"not a valid site contract: {error}") from error
    if faults := find_contract_faults(parsed):
        raise ValueError(f"a site contract cannot contain {'; '.join(faults[:5])}")
    return parsed


def print_contract(contract: SiteContract) -> dict[str, object]:
    """Return the contract as plain JSON values."""
    printed: dict[str, object] = _ADAPTER.dump_python(contract, mode="json")
    return printed


# What a contract may say: it becomes part of the edge's program, and may come from whoever publishes the site.

_NAME = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_VALUE = re.compile(r"[ -~]{1,4096}")
_TARGET = re.compile(r"(/(?!/)|https?://)[!#-{}~]{0,2048}")
_PARAMETER = re.compile(r":[A-Za-z]\w*|[A-Za-z0-9._~%+-]*", re.ASCII)
_SHOWS = (200, 404)


def find_contract_faults(contract: SiteContract) -> list[str]:
    """Return what no contract says that `handshake publish` has written; empty if nothing is wrong."""
    files = (*contract.assets, contract.not_found, contract.fallback)
    return [
        *(f"the path {path!r}" for path in files if path and not _is_path(path)),
        *(f"the query parameter {name!r}" for name in contract.query if not _NAME.fullmatch(name)),
        *(fault for rule in contract.redirects for fault in _check_redirect(rule, contract)),
        *(fault for rule in contract.headers for fault in _check_headers(rule, contract)),
    ]


def _check_redirect(rule: RedirectRule, contract: SiteContract) -> Iterator[str]:
    is_right = (
        not find_fault(rule.pattern, contract.dialect)
        and normalise(rule.pattern) == rule.pattern
        and _TARGET.fullmatch(rule.target)
        and (rule.status in MOVES or (rule.status in _SHOWS and rule.target.startswith("/")))
        and all(_NAME.fullmatch(name) and _PARAMETER.fullmatch(value) for name, value in rule.query)
    )
    if not is_right:
        yield f"the redirect {rule.pattern!r} to {rule.target!r}"


def _check_headers(rule: HeaderRule, contract: SiteContract) -> Iterator[str]:
    if find_fault(rule.pattern, contract.dialect) or normalise(rule.pattern) != rule.pattern:
        yield f"the headers of {rule.pattern!r}"
    for name in (*(name for name, _ in rule.sets), *rule.unsets):
        if not _HEADER.fullmatch(name) or is_own(name):
            yield f"the header {name!r}"
    yield from (f"the value {value!r}" for _, value in rule.sets if not _VALUE.fullmatch(value))


def _is_path(path: str) -> bool:
    parts = path.removesuffix("/").split("/")
    return path.isprintable() and all(part not in {"", ".", ".."} for part in parts)
