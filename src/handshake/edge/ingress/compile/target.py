"""What the ingress's configuration depends on besides the policy: sockets, files, users, regions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class IngressListener:
    """A public address."""

    address: str
    """`0.0.0.0:80`, `[::]:443`."""
    certificate: str = ""
    """A PEM file with key and chain, or a folder of them; empty for plain HTTP."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """An object store's location, and the socket at which the cache finds the way to it."""

    name: str
    socket: str
    address: str
    """`127.0.0.1:9001`, `s3.eu-west-1.amazonaws.com:443`."""
    host: str
    """The Host header that the store expects."""
    prefix: str = ""
    """What comes before every path: `/bucket`."""
    tls_ca_file: str = ""
    """The CA certificates for the store; empty for plain HTTP."""
    health_path: str = "/"
    """Anything below 500 counts as alive: a store may refuse to list its root."""


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """The unprivileged users of the edge's two programs; empty if all run as whoever starts them."""

    ingress: str = ""
    ingress_group: str = ""
    """Empty if the group has the user's name: HAProxy would otherwise keep root's."""
    cache: str = ""


@dataclass(frozen=True, kw_only=True)
class IngressTarget:
    """Everything that `compile_ingress` needs beside the policy."""

    digest: str
    """What `show info` of the running worker reports as its description: the proof of what runs."""
    listeners: tuple[IngressListener, ...]
    runtime_socket: str
    maps: str
    """The directory of the map files; they must exist before the program starts."""
    cache_socket: str
    regions: tuple[Region, ...]
    decoy_key: str
    """Base64; makes a decoy's choice unpredictable."""
    accounts: Accounts = Accounts()
    certificates: str = ""
    """A digest of all certificates: a renewed one changes the configuration."""
    acme: str = ""
    """The address of the ACME client; empty if there is none."""
