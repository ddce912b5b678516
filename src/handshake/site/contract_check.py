"""What a contract may say: it becomes part of the edge's program, and may come from whoever publishes the site."""

from __future__ import annotations

import re
from collections.abc import Iterator

from handshake.core.site_contract import MOVES, HeaderRule, RedirectRule, SiteContract
from handshake.site.headers_file import is_own
from handshake.site.rule_pattern import find_fault, normalise

_NAME = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_VALUE = re.compile(r"[ -~]{1,4096}")
_TARGET = re.compile(r"(/(?!/)|https?://)[!#-{}~]{0,2048}")
_PARAMETER = re.compile(r":[A-Za-z]\w*|[A-Za-z0-9._~%+-]*", re.ASCII)
_SHOWS = (200, 404)


def find_contract_faults(contract: SiteContract) -> list[str]:
    """Return what no contract says that `handshake publish` has written; empty where nothing is wrong."""
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
