"""The access keys with which buckets are written: secrets that an operator puts there, for nobody here can make them."""

from __future__ import annotations

from handshake.control.house import House
from handshake.core.problem import Location, Problem


def bucket_secret(region: str) -> str:
    """Return the name of the secret that holds a region's access key."""
    return f"bucket-{region}"


def site_secret(region: str, site: str) -> str:
    """Return the name of the secret that holds the key with which one site is written, where it has one of its own."""
    return f"{bucket_secret(region)}.{site}"


def check_bucket_keys(house: House) -> list[Problem]:
    """Return a problem for every bucket whose access key is not here; only the home node needs any."""
    return [
        Problem(
            check="bucket-key-missing",
            what=f"region {region} is a bucket, and its access key is not here",
            where=Location(file=str(file)),
            hint="Write ID:SECRET into this file, with mode 0600.",
        )
        for region in house.buckets
        if house.is_home and not (file := house.secrets / bucket_secret(region)).exists()
    ]
