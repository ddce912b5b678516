"""The paths of a campaign on this machine: folders, sockets, secrets. Written by `up`, read by everything else."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from handshake.catalog.codec import decode, encode
from handshake.core.atomic_file import write_atomically
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.release.regions import Bucket

SCHEMA = 2
"""How this version names files and catalogue keys; 1 is what was written before folders said their number."""
_WRITTEN_BEFORE = ("catalog", "regions", "trees")
"""Folders of data that only a campaign that was up has anything in; caches and secrets may be there earlier."""
_PERSONS = "/tmp/handshake-"  # noqa: S108 -- named after its user, who makes it with mode 0700


@dataclass(frozen=True, kw_only=True)
class NodePaths:
    """One campaign on one node."""

    name: str
    node: str
    folder: Path
    """The operator's folder."""
    run: Path
    """Sockets, process records and in-memory trees of this boot; deleted by `down`."""
    data: Path
    """What must survive a reboot; deleted by `down --purge`."""
    countries: str
    """The country data, relative to the folder; empty if there is none."""
    catalog: str
    agent: str
    dashboard: str
    ingress: str
    dogstatsd: str
    regions: dict[str, str]
    """Region -> the address of its file server or its bucket's endpoint, in order of preference."""
    stores: dict[str, str]
    """Store -> its address."""
    networks: str = ""
    """The data of AS numbers, relative to the folder; empty if there is none."""
    buckets: dict[str, Bucket] = field(default_factory=dict)
    """Region -> its bucket; only for regions that are buckets."""
    address: str = "127.0.0.1"
    """The node's own address, on which its instances listen."""
    ingress_tls: str = ""
    """The ingress's TLS address; empty if there is none."""
    certificates: str = ""
    """Relative to the folder; empty for a self-signed certificate."""
    acme: str = ""
    """The address of the ACME client; empty if there is none."""
    home: str = ""
    """Where a joined node fetches releases: the home node's agent; empty on the home node itself."""

    @property
    def is_home(self) -> bool:
        """Whether the catalogue, the control process, the regions and the stores are on this node."""
        return not self.home

    @property
    def certificate_folder(self) -> Path | None:
        """Where the ingress's certificates lie; None if it speaks no TLS."""
        if not self.ingress_tls:
            return None
        return (
            self.folder / self.certificates if self.certificates else self.state("ingress") / "certificates"
        )

    @property
    def file(self) -> Path:
        """Where this very description lies."""
        return self.run / "node.json"

    @property
    def schema_file(self) -> Path:
        """Where the data folder says which schema it has."""
        return self.data / "schema"

    @property
    def programs(self) -> Path:
        """Where supervised programs keep their records and logs, a folder each."""
        return self.run / "programs"

    @property
    def instances(self) -> Path:
        """Where sandboxed instances keep their records and logs, a folder each."""
        return self.run / "instances"

    @property
    def trees(self) -> Path:
        """Where releases are materialised, a read-only folder each."""
        return self.data / "trees"

    @property
    def secrets(self) -> Path:
        """Where secrets lie, a file each, mode 0600."""
        return self.data / "secrets"

    @property
    def cache(self) -> Path:
        """What can be made again: baked layers, built maps."""
        return self.data / "cache"

    def socket(self, name: str) -> Path:
        """Return where a program listens locally."""
        return self.run / "sockets" / f"{name}.sock"

    def state(self, program: str) -> Path:
        """Return the folder that a program may fill with files of its own."""
        return self.run / "state" / program

    def region(self, name: str) -> Path:
        """Return a region's folder of the directory store."""
        return self.data / "regions" / name

    def store(self, name: str) -> Path:
        """Return the folder in which a store keeps its data."""
        return self.data / "stores" / name


def run_root() -> Path:
    """Return the folder of all campaigns' run folders on this machine."""
    if home := os.environ.get("HANDSHAKE_HOME"):
        return Path(home) / "run"
    if os.geteuid() == 0:
        return Path("/run/handshake")
    return Path(os.environ.get("XDG_RUNTIME_DIR") or f"{_PERSONS}{os.geteuid()}") / "handshake"


def data_root() -> Path:
    """Return the folder of all campaigns' data folders on this machine."""
    if home := os.environ.get("HANDSHAKE_HOME"):
        return Path(home) / "data"
    if os.geteuid() == 0:
        return Path("/var/lib/handshake")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "handshake"


def make_folders(paths: NodePaths) -> None:
    """Make what the programs' own users must be able to pass through; what is secret has modes of its own."""
    for folder in (paths.run, paths.data, paths.run / "sockets", paths.run / "state", paths.trees):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)


def save_node(paths: NodePaths) -> None:
    """Write the description where every process of the campaign looks for it."""
    paths.file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(paths.file, encode(paths))


def load_node(file: Path) -> NodePaths:
    """Return the campaign that a file describes; ProblemsError where another version of this program wrote it."""
    try:
        return decode(NodePaths, file.read_bytes())
    except ValueError as error:
        problem = Problem(
            check="node-of-another-version",
            what="another version of this program started the campaign, and this version cannot read its records",
            where=Location(file=str(file)),
            hint="Run `handshake up FOLDER` with this version: it rewrites them and adopts what runs.",
        )
        raise ProblemsError([problem]) from error


def find_node(name: str = "", *, is_any_schema: bool = False) -> NodePaths:
    """Return a campaign that is up here, by name or because it is the only one.

    ProblemsError where none is up, where several are and none was named, or where its data have another schema,
    unless the caller does not read them.
    """
    root = run_root()
    files = sorted(root.glob("*/node.json"))
    chosen = [file for file in files if name in {"", file.parent.name}]
    if len(chosen) == 1:
        paths = load_node(chosen[0])
        if not is_any_schema:
            require_schema(paths)
        return paths
    if not chosen:
        what = f"no campaign {name} is up on this machine" if name else "no campaign is up on this machine"
        hint = "To start one, run `handshake up FOLDER`."
    else:
        names = ", ".join(file.parent.name for file in chosen)
        what, hint = f"several campaigns are up: {names}", "Choose one with `--campaign NAME`."
    raise ProblemsError(
        [Problem(check="which-campaign", what=what, where=Location(file=str(root)), hint=hint)]
    )


# The schema number of a data folder: a folder of another schema would be half-used, since neither its catalogue keys nor
# its file names would be found.


def write_schema(paths: NodePaths) -> None:
    """Note in a data folder, once `require_schema` has passed, which schema it has; idempotent."""
    write_atomically(paths.schema_file, f"{SCHEMA}\n".encode())


def require_schema(paths: NodePaths) -> None:
    """Return if a data folder is new or has this version's schema; ProblemsError otherwise."""
    found = _read_schema(paths)
    if found in {"", str(SCHEMA)}:
        return
    problem = Problem(
        check="data-of-another-schema",
        what=f"{_describe_age(found)} version of this program wrote the campaign's data: "
        f"they have schema {found}, and this version reads schema {SCHEMA}",
        where=Location(file=str(paths.schema_file if paths.schema_file.exists() else paths.data)),
        hint="Run the campaign with the version that wrote them; to begin anew, stop it with that version and move "
        "this folder away.",
    )
    raise ProblemsError([problem])


def _describe_age(schema: str) -> str:
    if not schema.isdecimal():
        return "another"
    return "an earlier" if int(schema) < SCHEMA else "a later"


def _read_schema(paths: NodePaths) -> str:
    """Return what a data folder says of its schema; empty where nothing was written into it yet."""
    try:
        return paths.schema_file.read_text(encoding="utf-8", errors="replace").strip() or "(empty)"
    except FileNotFoundError:
        folders = (paths.data / name for name in _WRITTEN_BEFORE)
        return "1" if any(folder.is_dir() and any(folder.iterdir()) for folder in folders) else ""


# The access keys with which buckets are written: secrets that an operator puts there, for nobody here can make them.


def bucket_secret(region: str) -> str:
    """Return the name of the secret that holds a region's access key."""
    return f"bucket-{region}"


def site_secret(region: str, site: str) -> str:
    """Return the name of the secret that holds the key with which one site is written, where it has one of its own."""
    return f"{bucket_secret(region)}.{site}"


def check_bucket_keys(paths: NodePaths) -> list[Problem]:
    """Return a problem for every bucket whose access key is not here; only the home node needs any."""
    return [
        Problem(
            check="bucket-key-missing",
            what=f"region {region} is a bucket, but its access key is missing",
            where=Location(file=str(file)),
            hint="Write `ID:SECRET` to this file, with mode 0600.",
        )
        for region in paths.buckets
        if paths.is_home and not (file := paths.secrets / bucket_secret(region)).exists()
    ]
