"""Versions of a service: read whole, and changed while they are drafts."""

from __future__ import annotations

from typing import Any

from fastly.api.acl_api import AclApi
from fastly.api.backend_api import BackendApi
from fastly.api.dictionary_api import DictionaryApi
from fastly.api.domain_api import DomainApi
from fastly.api.vcl_api import VclApi

from handshake.drivers.fastly.account import Account
from handshake.edge.fastly.service import Origin, Version, VersionChange

_MAIN = "handshake"
"""The name of the house's VCL."""
_ORIGIN = "origin"


class Drafts:
    """What versions hold."""

    def __init__(self, account: Account, service: str) -> None:
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
