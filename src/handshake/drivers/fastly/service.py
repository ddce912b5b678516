"""A service at Fastly: its versions and the entries of its containers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from fastly.api.acl_api import AclApi
from fastly.api.acl_entry_api import AclEntryApi
from fastly.api.backend_api import BackendApi
from fastly.api.dictionary_api import DictionaryApi
from fastly.api.dictionary_item_api import DictionaryItemApi
from fastly.api.domain_api import DomainApi
from fastly.api.purge_api import PurgeApi
from fastly.api.vcl_api import VclApi
from fastly.api.version_api import VersionApi

from handshake.core.errors import RefusedError
from handshake.drivers.fastly.account import FastlyAccount
from handshake.edge.fastly.service import Origin, Version, VersionChange

_TAGS = 256
"""Tags of one purge; more are refused."""


class FastlyApiService:
    """One service, through Fastly's API."""

    def __init__(self, account: FastlyAccount, service: str) -> None:
        self._account = account
        self._service = service
        self._versions = VersionApi(account.client)
        self._vcl = VclApi(account.client)
        self._purges = PurgeApi(account.client)
        self._drafts = Drafts(account, service)
        self._containers = FastlyContainers(account, service)

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


# Versions of a service: read whole, and changed while they are drafts.

_MAIN = "handshake"
"""The name of the campaign's VCL."""
_ORIGIN = "origin"


class Drafts:
    """What versions hold."""

    def __init__(self, account: FastlyAccount, service: str) -> None:
        self._account = account
        self._service = service
        self._vcl = VclApi(account.client)
        self._acls = AclApi(account.client)
        self._dictionaries = DictionaryApi(account.client)
        self._backends = BackendApi(account.client)
        self._domains = DomainApi(account.client)

    def read(self, number: int) -> Version:
        """Return a version."""
        mains = [its for its in self._call(number, self._vcl.list_custom_vcl) if its["name"] == _MAIN]
        origins = [its for its in self._call(number, self._backends.list_backends) if its["name"] == _ORIGIN]
        return Version(
            number=number,
            vcl=str(mains[0]["content"]) if mains else "",
            acls={its["name"]: its["id"] for its in self._call(number, self._acls.list_acls)},
            dictionaries={
                its["name"]: its["id"] for its in self._call(number, self._dictionaries.list_dictionaries)
            },
            origin=_read_origin(origins[0]) if origins else None,
            domains=frozenset(its["name"] for its in self._call(number, self._domains.list_domains)),
        )

    def change(self, found: Version, change: VersionChange) -> None:
        """Change a draft."""
        number = found.number
        for name in change.new_acls:
            self._call(number, self._acls.create_acl, name=name)
        for name in change.old_acls:
            self._call(number, self._acls.delete_acl, acl_name=name)
        for name in change.new_dictionaries:
            self._call(number, self._dictionaries.create_dictionary, name=name, write_only=False)
        for name in change.new_private:
            self._call(number, self._dictionaries.create_dictionary, name=name, write_only=True)
        for name in change.old_dictionaries:
            self._call(number, self._dictionaries.delete_dictionary, dictionary_name=name)
        for name in change.domains:
            self._call(number, self._domains.create_domain, name=name)
        if change.origin:
            self._set_origin(number, change.origin, is_new=change.is_new_origin)
        if change.vcl:
            self._set_vcl(found, change.vcl)

    def _set_origin(self, number: int, origin: Origin, *, is_new: bool) -> None:
        its: dict[str, Any] = {
            "address": origin.host,
            "port": origin.port,
            "use_ssl": origin.is_tls,
            "ssl_cert_hostname": origin.host,
            "ssl_sni_hostname": origin.host,
            "shield": origin.shield,
        }
        if is_new:
            self._call(number, self._backends.create_backend, name=_ORIGIN, **its)
        else:
            self._call(number, self._backends.update_backend, backend_name=_ORIGIN, **its)

    def _set_vcl(self, found: Version, text: str) -> None:
        if found.vcl:
            self._call(found.number, self._vcl.update_custom_vcl, vcl_name=_MAIN, content=text)
        else:
            self._call(found.number, self._vcl.create_custom_vcl, name=_MAIN, content=text, main=True)

    def _call(self, number: int, operation: Any, **named: Any) -> Any:
        return self._account.call(operation, service_id=self._service, version_id=number, **named)


def _read_origin(told: dict[str, Any]) -> Origin:
    return Origin(
        host=str(told["address"]),
        port=int(told["port"]),
        is_tls=bool(told["use_ssl"]),
        shield=str(told["shield"] or ""),
    )


# Entries of ACLs and items of dictionaries: all pages read, changes in batches.

BATCH = 1000
"""Operations in one request; more are refused."""


class FastlyContainers:
    """The containers of one service."""

    def __init__(self, account: FastlyAccount, service: str) -> None:
        self._account = account
        self._service = service
        self._acls = AclEntryApi(account.client)
        self._dictionaries = DictionaryItemApi(account.client)

    def entries(self, acl: str) -> dict[str, str]:
        """Return an ACL's addresses and networks with their ids."""

        def read(page: int) -> list[dict[str, Any]]:
            return list(self._call(self._acls.list_acl_entries, acl_id=acl, page=page, per_page=PAGE))

        return {_print_entry(its): str(its["id"]) for its in read_pages(read) if not int(its["negated"] or 0)}

    def items(self, dictionary: str) -> dict[str, str]:
        """Return a dictionary's items."""

        def read(page: int) -> list[dict[str, Any]]:
            list_items = self._dictionaries.list_dictionary_items
            return list(self._call(list_items, dictionary_id=dictionary, page=page, per_page=PAGE))

        return {str(its["item_key"]): str(its["item_value"]) for its in read_pages(read)}

    def change_entries(self, acl: str, *, add: Collection[str], remove: Mapping[str, str]) -> None:
        """Take entries out, then put others in."""
        operations: list[dict[str, object]] = [{"op": "delete", "id": number} for number in remove.values()]
        operations += [_create(entry) for entry in sorted(add)]
        for batch in _cut(operations, BATCH):
            self._account.send(
                self._acls.bulk_update_acl_entries,
                service_id=self._service,
                acl_id=acl,
                bulk_update_acl_entries_request={"entries": batch},
            )

    def change_items(self, dictionary: str, *, put: Mapping[str, str], remove: Collection[str]) -> None:
        """Take items out, then give others their values."""
        operations: list[dict[str, object]] = [{"op": "delete", "item_key": key} for key in sorted(remove)]
        operations += [
            {"op": "upsert", "item_key": key, "item_value": value} for key, value in sorted(put.items())
        ]
        for batch in _cut(operations, BATCH):
            self._account.send(
                self._dictionaries.bulk_update_dictionary_item,
                service_id=self._service,
                dictionary_id=dictionary,
                bulk_update_dictionary_list_request={"items": batch},
            )

    def _call(self, operation: Any, **named: Any) -> Any:
        return self._account.call(operation, service_id=self._service, **named)


def _create(entry: str) -> dict[str, object]:
    address, _, length = entry.partition("/")
    return {"op": "create", "ip": address, **({"subnet": int(length)} if length else {})}


def _print_entry(entry: Mapping[str, Any]) -> str:
    return f"{entry['ip']}/{entry['subnet']}" if entry["subnet"] is not None else str(entry["ip"])


def _cut(operations: list[dict[str, object]], size: int) -> Iterator[list[dict[str, object]]]:
    for begin in range(0, len(operations), size):
        yield operations[begin : begin + size]


# Answers that come in pages: a hundred at a time, and nothing says that there are more.

PAGE = 100


def read_pages(read: Callable[[int], list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Yield what lies on all pages, the first one being 1; the first page that is not full is the last."""
    number = 1
    while True:
        page = read(number)
        yield from page
        if len(page) < PAGE:
            return
        number += 1
