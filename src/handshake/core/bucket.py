"""Where a region's bucket is: what its publisher writes to and what the door reads from."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

_TLS = "https"
_PORTS = {"http": 80, _TLS: 443}


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket of any S3, addressed by path: `endpoint/name/prefix/key`."""

    endpoint: str
    """`https://s3.eu-west-1.amazonaws.com`, without a slash at its end."""
    name: str
    prefix: str = ""
    """What comes before every key, `campaign/east`; empty where the bucket is the region's alone."""
    location: str = "us-east-1"
    """What the S3 calls its region; part of every signature."""
    authorities: str = ""
    """A file with the certificates of those who vouch for the endpoint, where it is asked through TLS."""

    @property
    def is_tls(self) -> bool:
        """Whether the endpoint is asked through TLS."""
        return urlsplit(self.endpoint).scheme == _TLS

    @property
    def host(self) -> str:
        """The Host header that the endpoint expects."""
        return urlsplit(self.endpoint).netloc

    @property
    def address(self) -> str:
        """Where the endpoint listens: host and port."""
        parts = urlsplit(self.endpoint)
        return f"{parts.hostname}:{parts.port or _PORTS[parts.scheme]}"

    @property
    def path(self) -> str:
        """What comes before every key in a URL's path."""
        return "/" + "/".join(part for part in (self.name, self.prefix) if part)
