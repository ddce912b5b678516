"""Maps of countries and networks come from any file in MaxMind's format; what nobody knows stays unknown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from handshake.edge.ingress.country_maps import build_countries, build_networks, find_mmdb_fault
from handshake.release.node_paths import NodePaths


@pytest.fixture
def system(tmp_path: Path) -> NodePaths:
    """A campaign that is not up."""
    return NodePaths(
        name="test",
        node="n1",
        folder=tmp_path,
        run=tmp_path / "run",
        data=tmp_path / "data",
        countries="",
        catalog="",
        agent="",
        dashboard="",
        ingress="",
        dogstatsd="",
        regions={},
        stores={},
    )


def write(file: Path, records: Mapping[str, dict[str, Any]]) -> str:
    """Write a file in MaxMind's format; return its name."""
    writer = MMDBWriter(6, ipv4_compatible=True, int_type="u32")
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(file))
    return file.name


def test_countries_of_either_dialect(system: NodePaths) -> None:
    """GeoLite2 and ip-location-db write the country differently; both are read, of both families."""
    source = write(
        system.folder / "c.mmdb",
        {
            "1.0.0.0/24": {"country": {"iso_code": "AU"}},
            "1.0.1.0/24": {"registered_country": {"iso_code": "AU"}},
            "2001:db8::/32": {"country_code": "DE"},
            "9.9.9.0/24": {"continent": "nobody knows more"},
        },
    )

    assert build_countries(system, source).read_text() == "1.0.0.0/23 AU\n2001:db8::/32 DE\n"


def test_networks(system: NodePaths) -> None:
    """The map says the number of the autonomous system; addresses that nobody announces are not in it."""
    source = write(
        system.folder / "n.mmdb",
        {
            "1.0.0.0/24": {"autonomous_system_number": 13335, "autonomous_system_organization": "x"},
            "2001:db8::/32": {"autonomous_system_number": 64496},
            "9.9.9.0/24": {"autonomous_system_organization": "without a number"},
        },
    )

    assert build_networks(system, source).read_text() == "1.0.0.0/24 13335\n2001:db8::/32 64496\n"


def test_without_data_the_maps_are_empty(system: NodePaths) -> None:
    """Without a file every client is of an unknown country and of network 0, and the ingress starts all the same."""
    assert build_countries(system, "").read_text() == ""
    assert build_networks(system, "gone.mmdb").read_text() == ""


def test_another_file_is_named(system: NodePaths) -> None:
    """A file that is something else is a problem before anything starts."""
    (system.folder / "x.mmdb").write_text("<html>not found</html>")

    assert "not a file in MaxMind's format" in find_mmdb_fault(system.folder / "x.mmdb")
    assert "cannot be read" in find_mmdb_fault(system.folder / "gone.mmdb")
