"""The JSON documents that Consul's API answers with."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass

from handshake.drivers.embedded_catalog.checks import Check
from handshake.drivers.embedded_catalog.fields import nanoseconds
from handshake.drivers.embedded_catalog.kv import KVEntry
from handshake.drivers.embedded_catalog.requests import DATACENTER, NODE_CHECK
from handshake.drivers.embedded_catalog.services import Service
from handshake.drivers.embedded_catalog.sessions import Session
from handshake.drivers.embedded_catalog.transactions import TransactionResult

Document = dict[str, object]

_FIRST_INDEX = 1
_NODE_IDS = uuid.UUID("6f0d1a52-6f0c-4f52-9d0c-0c8d3c1f7a11")


@dataclass(frozen=True, kw_only=True)
class NodeDocument:
    """The one node that everything here is registered at."""

    name: str
    address: str

    @property
    def id(self) -> str:
        """Its id: the same for the same name."""
        return str(uuid.uuid5(_NODE_IDS, self.name))


def entry_document(entry: KVEntry, *, shows_value: bool = True) -> Document:
    """Return an entry of KV; `Session` is there only while the key is locked."""
    value = base64.b64encode(entry.value).decode() if shows_value and entry.value else None
    document: Document = {
        "LockIndex": entry.lock_index,
        "Key": entry.key,
        "Flags": entry.flags,
        "Value": value,
        "CreateIndex": entry.create_index,
        "ModifyIndex": entry.modify_index,
    }
    return document | {"Session": entry.session} if entry.session else document


def results_document(results: list[TransactionResult]) -> Document:
    """Return the answer to a transaction that was applied."""
    entries = [{"KV": entry_document(result.entry, shows_value=result.shows_value)} for result in results]
    return {"Results": entries, "Errors": None}


def failures_document(failures: dict[int, str]) -> Document:
    """Return the answer to a transaction that was rolled back."""
    errors = [{"OpIndex": position, "What": sentence} for position, sentence in failures.items()]
    return {"Results": None, "Errors": errors}


def session_document(session: Session, node: NodeDocument) -> Document:
    """Return a session."""
    draft = session.draft
    return {
        "ID": session.id,
        "Name": draft.name,
        "Node": node.name,
        "LockDelay": nanoseconds(draft.lock_delay),
        "Behavior": draft.behavior.value,
        "TTL": draft.ttl,
        "NodeChecks": [NODE_CHECK],
        "ServiceChecks": [{"ID": check, "Namespace": ""} for check in draft.checks] or None,
        "CreateIndex": session.create_index,
        "ModifyIndex": session.create_index,
    }


def node_document(node: NodeDocument) -> Document:
    """Return the node."""
    return {
        "ID": node.id,
        "Node": node.name,
        "Address": node.address,
        "Datacenter": DATACENTER,
        "TaggedAddresses": {"lan": node.address, "wan": node.address},
        "Meta": {},
        "CreateIndex": _FIRST_INDEX,
        "ModifyIndex": _FIRST_INDEX,
    }


def node_check_document(node: NodeDocument) -> Document:
    """Return the node's own check, which passes as long as this process answers."""
    return {
        "Node": node.name,
        "CheckID": NODE_CHECK,
        "Name": "Serf Health Status",
        "Status": "passing",
        "Notes": "",
        "Output": "Agent alive and reachable",
        "ServiceID": "",
        "ServiceName": "",
        "ServiceTags": [],
        "Type": "",
        "Definition": {},
        "CreateIndex": _FIRST_INDEX,
        "ModifyIndex": _FIRST_INDEX,
    }


def check_document(check: Check, node: NodeDocument) -> Document:
    """Return a check of an endpoint."""
    return {
        "Node": node.name,
        "CheckID": check.definition.id,
        "Name": check.definition.name,
        "Status": check.status.value,
        "Notes": check.definition.notes,
        "Output": check.output,
        "ServiceID": check.service_id,
        "ServiceName": check.service_name,
        "ServiceTags": list(check.service_tags),
        "Type": "ttl",
        "Definition": {},
        "CreateIndex": check.create_index,
        "ModifyIndex": check.modify_index,
    }


def agent_service_document(service: Service) -> Document:
    """Return an endpoint as the agent's and the health endpoints show it."""
    definition = service.definition
    return {
        "ID": definition.id,
        "Service": definition.name,
        "Tags": list(definition.tags),
        "Meta": dict(definition.meta),
        "Port": definition.port,
        "Address": definition.address,
        "Weights": _weights(service),
        "EnableTagOverride": definition.enable_tag_override,
        "Datacenter": DATACENTER,
        "CreateIndex": service.create_index,
        "ModifyIndex": service.modify_index,
    }


def catalog_service_document(service: Service, node: NodeDocument) -> Document:
    """Return an endpoint as the catalogue's endpoints show it: flat, with its node."""
    definition = service.definition
    return {
        "ID": node.id,
        "Node": node.name,
        "Address": node.address,
        "Datacenter": DATACENTER,
        "TaggedAddresses": {"lan": node.address, "wan": node.address},
        "NodeMeta": {},
        "ServiceID": definition.id,
        "ServiceName": definition.name,
        "ServiceAddress": definition.address,
        "ServicePort": definition.port,
        "ServiceTags": list(definition.tags),
        "ServiceMeta": dict(definition.meta),
        "ServiceWeights": _weights(service),
        "ServiceEnableTagOverride": definition.enable_tag_override,
        "CreateIndex": service.create_index,
        "ModifyIndex": service.modify_index,
    }


def health_document(service: Service, checks: list[Check], node: NodeDocument) -> Document:
    """Return an endpoint with its node and the checks of both."""
    return {
        "Node": node_document(node),
        "Service": agent_service_document(service),
        "Checks": [node_check_document(node), *(check_document(check, node) for check in checks)],
    }


def _weights(service: Service) -> Document:
    return {"Passing": service.definition.weight_passing, "Warning": service.definition.weight_warning}
