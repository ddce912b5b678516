"""Entries of ACLs and items of dictionaries: all pages read, changes in batches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fastly.api.acl_entry_api import AclEntryApi
from fastly.api.dictionary_item_api import DictionaryItemApi

from handshake.drivers.fastly.account import Account
from handshake.drivers.fastly.pages import PAGE, read_pages

BATCH = 1000
"""Operations in one request; more are refused."""


class Containers:
    """The containers of one service."""

    def __init__(self, account: Account, service: str) -> None:
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
