"""A Fastly service, as `edge/fastly/service.py` says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fastly.api.purge_api import PurgeApi
from fastly.api.vcl_api import VclApi
from fastly.api.version_api import VersionApi

from handshake.core.errors import RefusedError
from handshake.drivers.fastly.account import Account
from handshake.drivers.fastly.containers import Containers
from handshake.drivers.fastly.drafts import Drafts
from handshake.edge.fastly.service import Version, VersionChange

_TAGS = 256
"""Tags of one purge; more are refused."""


class FastlyApiService:
    """One service, through Fastly's API."""

    def __init__(self, account: Account, service: str) -> None:
        self._account = account
        self._service = service
        self._versions = VersionApi(account.client)
        self._vcl = VclApi(account.client)
        self._purges = PurgeApi(account.client)
        self._drafts = Drafts(account, service)
        self._containers = Containers(account, service)

    def active(self) -> Version | None:
        """Return the active version, read whole."""
        number = next((its["number"] for its in self._list_versions() if its["active"]), None)
        return None if number is None else self._drafts.read(number)

    def draft(self) -> Version:
        """Return a copy of the active version, or of the newest."""
        versions = self._list_versions()
        newest = max(its["number"] for its in versions)
        number = next((its["number"] for its in versions if its["active"]), newest)
        copy = self._call(self._versions.clone_service_version, version_id=number)
        return self._drafts.read(copy["number"])

    def change(self, number: int, change: VersionChange) -> Version:
        """Change a draft and return it as it was read back."""
        self._drafts.change(self._drafts.read(number), change)
        return self._drafts.read(number)

    def lint(self, text: str) -> tuple[str, ...]:
        """Return what Fastly's linter calls an error."""
        lint = self._vcl.lint_vcl_for_service
        told = self._account.send(lint, service_id=self._service, inline_object={"vcl": text})
        return tuple(str(error) for error in told["data"]["attributes"]["errors"])

    def validate(self, number: int) -> None:
        """Require that Fastly accepts a draft."""
        told = self._call(self._versions.validate_service_version, version_id=number)
        if told["status"] != "ok":
            raise RefusedError(f"Fastly does not accept version {number}", details=str(told.get("msg")))

    def activate(self, number: int) -> None:
        """Ask for a version to serve everybody."""
        self._call(self._versions.activate_service_version, version_id=number)

    def entries(self, acl: str) -> Mapping[str, str]:
        """Return an ACL's addresses and networks with their ids."""
        return self._containers.entries(acl)

    def change_entries(self, acl: str, *, add: Collection[str], remove: Mapping[str, str]) -> None:
        """Take entries out of an ACL and put others in."""
        self._containers.change_entries(acl, add=add, remove=remove)

    def items(self, dictionary: str) -> Mapping[str, str]:
        """Return a dictionary's items."""
        return self._containers.items(dictionary)

    def change_items(self, dictionary: str, *, put: Mapping[str, str], remove: Collection[str]) -> None:
        """Take items out of a dictionary and give others their values."""
        self._containers.change_items(dictionary, put=put, remove=remove)

    def purge(self, tags: Sequence[str], *, is_soft: bool) -> None:
        """Forget everything that has one of these tags."""
        softly = {"fastly_soft_purge": 1} if is_soft else {}
        for begin in range(0, len(tags), _TAGS):
            keys = {"surrogate_keys": list(tags[begin : begin + _TAGS])}
            purge = self._purges.bulk_purge_tag
            self._account.send(purge, service_id=self._service, purge_response=keys, **softly)

    def _list_versions(self) -> list[dict[str, Any]]:
        return list(self._call(self._versions.list_service_versions))

    def _call(self, operation: Any, **named: Any) -> Any:
        return self._account.call(operation, service_id=self._service, **named)
