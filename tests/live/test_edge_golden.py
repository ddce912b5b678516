"""Every golden configuration of the edge, read by the programs that it is for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from handshake.drivers.haproxy.program import HaproxyProgram
from handshake.edge.ingress.compile.maps import COUNTRIES, NETWORKS, seed_maps
from tests.live.edges import open_folder
from tests.unit.edge.compiled import FOLDER, PROBLEMS_BORDER, print_cache, print_ingress, read_text, split

pytestmark = pytest.mark.live

CASES = [case for case in sorted(FOLDER.glob("*.txt")) if PROBLEMS_BORDER not in case.read_text()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_haproxy_accepts_the_ingress(case: Path, tmp_path: Path) -> None:
    """HAProxy reads the ingress's configuration without a warning."""
    policy = read_text(split(case)[0])
    maps = tmp_path / "maps"
    maps.mkdir()
    for name, text in {**seed_maps(policy), COUNTRIES: "", NETWORKS: ""}.items():
        (maps / name).write_text(text)
    _make_certificate(tmp_path)
    text = print_ingress(policy).replace("/run/", f"{tmp_path}/")
    file = tmp_path / "haproxy.cfg"
    file.write_text(text.replace("/c.pem", f"{tmp_path}/c.pem").replace("/ca.pem", f"{tmp_path}/c.pem"))
    HaproxyProgram(configuration=file, master_socket=tmp_path / "master.sock").validate(file)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_varnish_accepts_the_cache(case: Path) -> None:
    """Varnish compiles the cache's VCL."""
    # Not in pytest's own folder: Varnish's compiler runs as another user, who may not look into that.
    with open_folder() as folder:
        file = folder / "cache.vcl"
        file.write_text(print_cache(read_text(split(case)[0])))
        argv = ("varnishd", "-C", "-n", str(folder / "work"), "-f", str(file))
        found = subprocess.run(argv, capture_output=True, check=False, text=True, timeout=60)
    assert found.returncode == 0, found.stderr[:2000]


def _make_certificate(folder: Path) -> None:
    key, certificate = folder / "key", folder / "certificate"
    subprocess.run(
        (
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ),
        capture_output=True,
        check=True,
        timeout=60,
    )
    (folder / "c.pem").write_text(certificate.read_text() + key.read_text())
