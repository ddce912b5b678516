"""The Varnish program: how it is started, and what it starts with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from handshake.core.atomic_file import write_atomically
from handshake.core.errors import UnavailableError
from handshake.drivers.process.command import Need, find_program
from handshake.syntax.vcl import Bare, act, print_vcl, sub

NEED = Need(program="varnishd", reason="as the cache", package="varnish")

_PARAMETERS = {
    # What the origin does not mark is never kept, nor handed out past its end: the policy says so where it should be.
    "default_ttl": "0",
    "default_grace": "0",
    # An expired object can still be revalidated instead of fetched.
    "default_keep": "3600",
    # The ingress keeps its connections; at Varnish's 5 s it would lose requests to the closing of idle ones.
    "timeout_idle": "120",
    "send_timeout": "60",
    # A WebSocket may be quiet for as long as the ingress and the gateway let it.
    "pipe_timeout": "3600",
    "thread_pool_min": "200",
    "listen_depth": "4096",
    # Room for a large answer is made by forgetting as many small ones as it takes; at 50, it would break off.
    "nuke_limit": "1000000",
    # A site's file is asked for in each region, in each of the ways in which its path can be meant.
    "max_retries": "24",
    "max_restarts": "8",
    # Visitors may send a hundred headers, and the edge adds its own.
    "http_max_hdr": "160",
    # A VCL is calls and comparisons: optimising it makes no request faster, and 150 sites slower to move.
    "cc_command": "tcc -w -nostdlib -shared -o %o %s 2>/dev/null"
    " || exec gcc -O0 -w -pthread -fpic -shared -Wl,-x -o %o %s",
    # The ingress logs requests. What only somebody who looks for a fault reads, `varnishadm param.set` brings back.
    "vsl_mask": "-VCL_call,-VCL_return,-VCL_use,-ReqHeader,-ReqUnset,-RespHeader,-RespUnset,-ObjHeader,-Timestamp,"
    "-Hit,-ReqAcct,-ReqStart,-ReqProtocol,-RespProtocol,-RespReason,-Filters",
}
_WAITING = print_vcl(
    (
        Bare(text="backend none none"),
        sub("vcl_recv", act('return (synth(503, "Starting"))')),
        sub("vcl_synth", act('set resp.http.Retry-After = "1"'), act("return (deliver)")),
    )
)


@dataclass(frozen=True, kw_only=True)
class VarnishProgram:
    """One Varnish, which only the ingress may speak to.

    Started by root, its workers become Debian's `vcache` by themselves; started by anybody else, all stay who
    they are.
    """

    directory: Path
    """Its own; readable by everybody, as its compiler runs as another user than its manager."""
    socket: Path
    ingress_user: str = ""
    """Who owns the socket; empty: whoever starts it."""
    storage_megabytes: int = 256

    @property
    def workdir(self) -> Path:
        """Where Varnish keeps its own files; names it to `varnishadm -n`."""
        return self.directory / "varnishd"

    @property
    def programs(self) -> Path:
        """Where the texts of the programs lie."""
        return self.directory / "programs"

    @property
    def beginning(self) -> Path:
        """The commands that Varnish runs before it serves: what it starts with after a restart."""
        return self.directory / "begin.cli"

    @property
    def argv(self) -> tuple[str, ...]:
        """The command that runs it in the foreground; `lay_out` comes first."""
        found = find_program(NEED.program)
        if found is None:
            raise UnavailableError("varnishd is not installed", hint=f"sudo apt-get install {NEED.package}")
        owner = f",user={self.ingress_user}" if self.ingress_user else ""
        return (
            *(str(found), "-F", "-n", str(self.workdir)),
            *("-a", f"ingress={self.socket}{owner},mode=0600"),
            *("-f", "", "-I", str(self.beginning)),
            *("-s", f"default=malloc,{self.storage_megabytes}m"),
            *(word for name, value in _PARAMETERS.items() for word in ("-p", f"{name}={value}")),
        )

    def lay_out(self) -> None:
        """Make the directories, and let it start with an honest 503 where it has nothing to start with yet."""
        for folder in (self.directory, self.programs):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)
        if not self.beginning.exists():
            waiting = self.programs / "waiting.vcl"
            write_file(waiting, _WAITING)
            write_file(self.beginning, f'vcl.load waiting "{waiting}"\nvcl.use waiting\n')


# Files that Varnish reads.


def write_file(path: Path, text: str) -> None:
    """Write a file that everybody may read, whole or not at all."""
    write_atomically(path, text, mode=0o644)
