"""Run the example services and their ledger, as real processes on loopback."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import urllib3
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from handshake.core.digest import Digest, digest_bytes
from handshake.fleet.instance import Assignment, Generation
from handshake.fleet.instances.launch import instance_environment
from handshake.image.recipe import contract_of, read_recipe
from tests.support.campaign import free_port

SERVICES = Path(__file__).parents[2] / "examples/campaign/services"
PASSWORD = "only-for-this-test"


@dataclass(kw_only=True)
class Ledger:
    """A redis-server with the ledger's settings, that can be stopped and started again."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """What a service finds in its secret file."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def entries(self, stream: str) -> list[dict[str, str]]:
        """Read a stream's entries, the oldest first."""
        with closing(Redis.from_url(self.url, decode_responses=True)) as client:
            entries: Any = client.xrange(stream)
        return [fields for _, fields in entries]

    def stop(self) -> None:
        """End the server in good order."""
        end(self.process)

    def start(self) -> None:
        """Start it again on what it kept."""
        self.process = start_redis(self.folder)
        wait_for_redis(self.port)


@dataclass(kw_only=True)
class Instance:
    """One running instance of a service."""

    process: subprocess.Popen[bytes]
    pool: urllib3.HTTPConnectionPool
    log: Path

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        """Ask once."""
        return self.pool.request("GET", path, headers=headers)

    def post(self, path: str, body: object, key: str) -> urllib3.BaseHTTPResponse:
        """Send a JSON body once, under an idempotency key."""
        return self.pool.request("POST", path, json=body, headers={"Idempotency-Key": key})


@contextmanager
def run_ledger(folder: Path) -> Iterator[Ledger]:
    """Run a ledger in a new folder, and end it."""
    port = free_port()
    settings = {"port": port, "bind": "127.0.0.1", "dir": folder, "requirepass": PASSWORD}
    settings |= {"appendonly": "yes", "appendfsync": "always", "save": "", "maxmemory-policy": "noeviction"}
    folder.mkdir()
    text = "".join(f'{name} "{value}"\n' for name, value in settings.items())
    (folder / "redis.conf").write_text(text, encoding="utf-8")
    ledger = Ledger(folder=folder, port=port, process=start_redis(folder))
    try:
        wait_for_redis(port)
        yield ledger
    finally:
        ledger.stop()


@contextmanager
def run_instance(service: str, tree: Path, environment: dict[str, str]) -> Iterator[Instance]:
    """Assemble a service as its recipe says, run it until it is healthy, and end it."""
    assemble(service, tree)
    contract = contract_of(read_recipe(SERVICES / service).model)
    program, *words = contract.command
    assert program == "python3"
    port = free_port()
    given = node_environment(service, port)
    seen = {name: value.replace("/app", str(tree)) for name, value in given.items()}
    log = tree.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-B", *words], cwd=tree, env=seen | environment, stdout=output
        )
    with closing(
        urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=64, timeout=10, retries=False)
    ) as pool:
        try:
            wait_for_health(pool)
            yield Instance(process=process, pool=pool, log=log)
        finally:
            end(process)


def node_environment(service: str, port: int, templates: Digest | None = None) -> dict[str, str]:
    """Return what a node gives an instance of a service, and this process's PATH; paths are those of a sandbox."""
    assignment = Assignment(
        instance=f"{service}-test",
        node="n1",
        service=service,
        generation=Generation(image=digest_bytes(service.encode()), templates=templates),
        assigned_at=0.0,
        phase_at=0.0,
    )
    contract = contract_of(read_recipe(SERVICES / service).model)
    given = instance_environment(contract, assignment, host="127.0.0.1", port=port)
    return {"PATH": os.environ["PATH"], **given}


def assemble(service: str, tree: Path) -> dict[str, Any]:
    """Copy what the recipe copies; the packages of requirements.txt are those of this interpreter."""
    source = SERVICES / service
    recipe = tomllib.loads((source / "service.toml").read_text(encoding="utf-8"))
    for step in recipe["build"]:
        if "copy" in step:
            copytree(source / step["copy"], tree / step["to"], ignore=ignore_patterns("__pycache__"))
    return recipe


def start_redis(folder: Path) -> subprocess.Popen[bytes]:
    """Start redis-server on what lies in a folder."""
    with (folder / "log").open("ab") as output:
        return subprocess.Popen(["redis-server", folder / "redis.conf"], stdout=output)


def wait_for_redis(port: int) -> None:
    """Wait until redis-server has read its files and answers."""
    patience = Retry(ConstantBackoff(0.02), 250)
    errors: list[type[Exception]] = [RedisConnectionError, BusyLoadingError]
    with closing(Redis(port=port, password=PASSWORD, retry=patience, retry_on_error=errors)) as client:
        client.ping()


def wait_for_health(pool: urllib3.HTTPConnectionPool) -> None:
    """Wait until an instance calls itself healthy."""
    patience = urllib3.Retry(total=200, backoff_factor=0.05, backoff_max=0.05, status_forcelist=[503])
    assert pool.request("GET", "/health", retries=patience).status == 200


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, with patience."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
