"""Versions of the service: the desired version, its changes, and their description."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from handshake.edge.fastly.compile.containers import (
    Containers,
    LinterAccount,
    declare_account,
    plan_containers,
)
from handshake.edge.fastly.compile.target import FastlyTarget
from handshake.edge.fastly.compile.vcl import compile_fastly
from handshake.edge.fastly.service import Origin, Version, VersionChange
from handshake.edge.policy.policy import EdgePolicy
from handshake.syntax.fastly_vcl import print_fastly

OURS = "hs_"
"""The prefix of our containers' names; others are not touched."""


@dataclass(frozen=True, kw_only=True)
class WantedVersion:
    """The desired content of a version."""

    vcl: str
    containers: Containers
    origin: Origin
    domain: str

    @property
    def standalone(self) -> str:
        """The VCL with everything that it names: what a linter can read."""
        return print_fastly(declare_account(self.containers, LinterAccount())) + "\n" + self.vcl


def want_version(policy: EdgePolicy, target: FastlyTarget, *, origin: Origin, domain: str) -> WantedVersion:
    """Return what a policy makes of the service."""
    return WantedVersion(
        vcl=print_fastly(compile_fastly(policy, target)),
        containers=plan_containers(policy, target),
        origin=origin,
        domain=domain,
    )


def plan_version(found: Version | None, wanted: WantedVersion) -> VersionChange:
    """Return what must change for a version to be what is wanted."""
    found = found or Version(number=0)
    containers = wanted.containers
    dictionaries = {*containers.dictionaries, *containers.private}
    return VersionChange(
        vcl=wanted.vcl if wanted.vcl != found.vcl else "",
        new_acls=_missing(containers.acls, found.acls),
        old_acls=_left_over(found.acls, set(containers.acls)),
        new_dictionaries=_missing(containers.dictionaries, found.dictionaries),
        new_private=_missing(containers.private, found.dictionaries),
        old_dictionaries=_left_over(found.dictionaries, dictionaries),
        origin=wanted.origin if wanted.origin != found.origin else None,
        is_new_origin=found.origin is None,
        domains=(wanted.domain,) if wanted.domain not in found.domains else (),
    )


def describe_change(found: Version | None, change: VersionChange) -> tuple[str, ...]:
    """Return the lines that say what would change at Fastly."""
    return tuple(_describe(found or Version(number=0), change))


def _describe(found: Version, change: VersionChange) -> Iterator[str]:
    if change.vcl:
        before, after = found.vcl.splitlines(), change.vcl.splitlines()
        live, new = f"fastly/version {found.number}", "fastly/new version"
        yield from difflib.unified_diff(before, after, live, new, lineterm="", n=2)
    yield from (f"+fastly acl {name}" for name in change.new_acls)
    yield from (f"-fastly acl {name}" for name in change.old_acls)
    yield from (f"+fastly dictionary {name}" for name in (*change.new_dictionaries, *change.new_private))
    yield from (f"-fastly dictionary {name}" for name in change.old_dictionaries)
    if change.origin:
        yield f"+fastly origin {change.origin.host}:{change.origin.port} {change.origin.shield}".rstrip()
    yield from (f"+fastly domain {name}" for name in change.domains)


def _missing(wanted: Iterable[str], found: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name in wanted if name not in found)


def _left_over(found: Mapping[str, str], wanted: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in found if name.startswith(OURS) and name not in wanted))
