"""No program is started, no time is read and no file is written past the one place for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

import pytest

from tests.meta.sources import SOURCES, modules


@dataclass(frozen=True, kw_only=True)
class Door:
    """The one place for something, and what only that place uses."""

    place: str
    """A module, or a folder with a slash at its end; below the package."""
    names: tuple[str, ...]
    """Whole names of what nobody else imports or mentions; an asterisk stands for any letters."""


PROGRAMS = Door(
    place="drivers/process/",
    names=(
        *("subprocess.*", "multiprocessing.*", "pty.*", "concurrent.futures.ProcessPoolExecutor"),
        *("os.system", "os.popen", "os.fork*", "os.exec*", "os.spawn*", "os.posix_spawn*"),
        *("asyncio.create_subprocess_*", ".subprocess_exec", ".subprocess_shell"),
    ),
)
CLOCK = Door(
    place="core/clock.py",
    names=(
        *("time.*", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.*.today"),
        *("email.utils.formatdate", "email.utils.localtime", ".time()"),
    ),
)
FILES = Door(
    place="core/atomic_file.py",
    names=(
        *("open to write", "os.open to write", ".write_text", ".write_bytes", ".touch()"),
        *("os.mknod", "os.mkfifo", "os.truncate", "os.replace", "os.rename*", "os.link", "os.symlink"),
        *(".replace()", ".rename()", ".symlink_to", ".hardlink_to"),
        *("pathlib.Path.write_*", "pathlib.Path.touch", "pathlib.Path.replace", "pathlib.Path.rename"),
        *("shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "shutil.move"),
        *("shutil.unpack_archive", "tempfile.NamedTemporaryFile", "tempfile.mkstemp"),
        *(".extractall", ".extract"),
    ),
)
# A temporary folder, a file without a name and a copy into an open file are no writes: nobody can read a part of them.


@dataclass(frozen=True, kw_only=True)
class Pass:
    """A module that does without a door, for a reason."""

    module: str
    door: Door
    uses: tuple[str, ...]
    reason: str


_STAGING = "fills a folder that is placed or uploaded as a whole later, and nobody reads before"
_CALLERS_PATH = "downloads to a path of the caller's own, who decides when somebody else reads it"
_LOCK = "a lock file: it is held, and never has a content"

PASSES = (
    Pass(
        module="drills/load_run.py",
        door=PROGRAMS,
        uses=("subprocess", "subprocess.Popen", "subprocess.PIPE", "subprocess.TimeoutExpired"),
        reason="a load must end with its starter, by a pipe; a supervised program is made to outlive its own",
    ),
    Pass(
        module="drills/load.py",
        door=CLOCK,
        uses=("time", "time.process_time"),
        reason="the processor time that the load itself has used is no time of day and no duration",
    ),
    Pass(
        module="edge/lists/map_file.py",
        door=FILES,
        uses=("open to write",),
        reason="appends a line to a list of a million; whoever reads it knows a torn line (`_mend`)",
    ),
    Pass(
        module="edge/ingress/country_maps.py",
        door=FILES,
        uses=(".touch()",),
        reason="an empty mark: if it is lost, the same map is put in place once more",
    ),
    Pass(
        module="drivers/process/program.py",
        door=FILES,
        uses=("os.open to write", ".touch()"),
        reason="a lock file, and an empty mark that a supervisor on the same machine reads while it runs",
    ),
    Pass(
        module="drivers/process/workplace.py",
        door=FILES,
        uses=("os.open to write",),
        reason=_LOCK,
    ),
    Pass(
        module="drivers/embedded_catalog/storage.py",
        door=FILES,
        uses=("os.open to write",),
        reason=_LOCK,
    ),
    Pass(
        module="drivers/sandbox/cgroup.py",
        door=FILES,
        uses=(".write_text",),
        reason="files of the kernel: a write is a command",
    ),
    Pass(module="campaign/publish.py", door=FILES, uses=("shutil.copyfile",), reason=_STAGING),
    Pass(module="image/bake.py", door=FILES, uses=("shutil.copyfile",), reason=_STAGING),
    Pass(module="image/bases.py", door=FILES, uses=(".write_bytes", "shutil.copytree"), reason=_STAGING),
    Pass(module="drivers/npm/packages.py", door=FILES, uses=("shutil.copyfile",), reason=_STAGING),
    Pass(module="site/copy/copier.py", door=FILES, uses=(".write_bytes",), reason=_STAGING),
    Pass(module="site/tar_import.py", door=FILES, uses=("open to write",), reason=_STAGING),
    Pass(module="release/tree.py", door=FILES, uses=(".write_bytes", ".symlink_to"), reason=_STAGING),
    Pass(
        module="drivers/directory/store.py",
        door=FILES,
        uses=("shutil.copyfile", "os.link"),
        reason=f"{_CALLERS_PATH}; an object's second name is made beside its place and renamed durably",
    ),
    Pass(module="drivers/http/objects.py", door=FILES, uses=(".write_bytes",), reason=_CALLERS_PATH),
    Pass(module="drivers/s3/store.py", door=FILES, uses=("open to write",), reason=_CALLERS_PATH),
    Pass(
        module="drills/tour.py",
        door=FILES,
        uses=("open to write", ".write_text", "shutil.copytree"),
        reason="changes a copy of the campaign that is thrown away after the drill",
    ),
)


@pytest.mark.parametrize("door", [PROGRAMS, CLOCK, FILES], ids=["programs", "clock", "files"])
def test_everything_passes_by_its_one_place(door: Door) -> None:
    """Whatever a door guards is used behind it alone, but for what has a pass."""
    found = {
        f"{path}:{line}: {use}"
        for module in modules()
        if not (path := module.path.relative_to(SOURCES).as_posix()).startswith(door.place)
        for line, use in find_uses(module.tree, door)
        if (path, use) not in _allowed(door)
    }
    assert not found, f"this stands in {door.place} alone:\n" + "\n".join(sorted(found))


@pytest.mark.parametrize("door", [PROGRAMS, CLOCK, FILES], ids=["programs", "clock", "files"])
def test_every_pass_is_needed(door: Door) -> None:
    """A pass for what a module does not do, or does not do any more, has to go."""
    used = {
        (module.path.relative_to(SOURCES).as_posix(), use)
        for module in modules()
        for _, use in find_uses(module.tree, door)
    }
    needless = _allowed(door) - used
    assert not needless, sorted(needless)


@pytest.mark.parametrize(
    ("door", "text", "use"),
    [
        (PROGRAMS, "import subprocess", "subprocess"),
        (PROGRAMS, "from subprocess import run", "subprocess.run"),
        (PROGRAMS, "import os\nos.execv(path, argv)", "os.execv"),
        (PROGRAMS, "from os import posix_spawn as go", "os.posix_spawn"),
        (PROGRAMS, "import asyncio\nasyncio.create_subprocess_exec(path)", "asyncio.create_subprocess_exec"),
        (CLOCK, "import time", "time"),
        (CLOCK, "from time import sleep", "time.sleep"),
        (CLOCK, "from datetime import datetime\ndatetime.now(zone)", "datetime.datetime.now"),
        (CLOCK, "import datetime as d\nd.date.today()", "datetime.date.today"),
        (CLOCK, "loop.time()", ".time()"),
        (FILES, "open(path, 'w')", "open to write"),
        (FILES, "open(path, mode=mode)", "open to write"),
        (FILES, "path.open('r+b')", "open to write"),
        (FILES, "path.open(mode='ab')", "open to write"),
        (FILES, "import gzip\ngzip.open(path, 'wb')", "open to write"),
        (FILES, "import os\nos.open(path, os.O_RDWR)", "os.open to write"),
        (FILES, "import os\nos.open(path, flags)", "os.open to write"),
        (FILES, "path.write_text(text)", ".write_text"),
        (FILES, "map(path.write_bytes, parts)", ".write_bytes"),
        (FILES, "path.replace(target)", ".replace()"),
        (FILES, "path.rename(target)", ".rename()"),
        (FILES, "path.touch()", ".touch()"),
        (FILES, "path.touch(exist_ok=False)", ".touch()"),
        (FILES, "path.touch(0o600)", ".touch()"),
        (FILES, "from pathlib import Path\nmap(Path.touch, paths)", "pathlib.Path.touch"),
        (FILES, "from os import replace", "os.replace"),
    ],
)
def test_what_is_guarded_is_found(door: Door, text: str, use: str) -> None:
    """Under whatever name something is imported, and however it is handed on, it is found."""
    assert use in {found for _, found in find_uses(ast.parse(text), door)}


@pytest.mark.parametrize(
    ("door", "text"),
    [
        (PROGRAMS, "import os\nos.environ.get('PATH')"),
        (CLOCK, "from datetime import datetime\ndatetime.fromtimestamp(at, zone)"),
        (CLOCK, "clock.monotonic(), its.time, moment.time(zone)"),
        (FILES, "text.replace('a', 'b')"),
        (FILES, "moment.replace(tzinfo=None)"),
        (FILES, "from dataclasses import replace\nreplace(plan)"),
        (FILES, "change.touch(topic)"),
        (FILES, "open(path), open(path, 'rb'), path.open(), path.open('rb'), path.open(encoding='ascii')"),
        (FILES, "lists.open(name), lists.open('wall')"),
        (FILES, "import tarfile\ntarfile.open(fileobj=stream, mode='r|*')"),
        (FILES, "import os\nos.open(path, os.O_RDONLY | os.O_CLOEXEC)"),
    ],
)
def test_what_only_looks_alike_is_left_alone(door: Door, text: str) -> None:
    """Reading a file, and a text, a moment or a topic with a method of the same name, passes by no door."""
    assert not list(find_uses(ast.parse(text), door))


def find_uses(tree: ast.Module, door: Door) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of everything that the door guards."""
    for line, use in uses_of(tree):
        if any(fnmatchcase(use, name) or f"{use}.*" == name for name in door.names):
            yield line, use


@cache
def uses_of(tree: ast.Module) -> frozenset[tuple[int, str]]:
    """Return the line and the name of all that a module imports, mentions or calls."""
    imported = _imported(tree)
    return frozenset(
        (node.lineno, use)
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt | ast.expr)
        for use in _uses(node, imported)
    )


def _allowed(door: Door) -> set[tuple[str, str]]:
    return {(each.module, use) for each in PASSES if each.door is door for use in each.uses}


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return what each name that the module imports stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _uses(node: ast.stmt | ast.expr, imported: dict[str, str]) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names):
            yield from (f"{module}.{alias.name}" for alias in names)
        case ast.Attribute():
            yield _name(node, imported)
        case ast.Call(func=function):
            yield from _told_by_arguments(node, _name(function, imported))


def _name(node: ast.expr, imported: dict[str, str]) -> str:
    """Return the whole name of what was imported, `.method` of what was not; empty for what has no name."""
    match node:
        case ast.Name(id=name):
            return imported.get(name, name)
        case ast.Attribute(value=value, attr=attribute):
            return f"{_imported_name(value, imported)}.{attribute}"
        case _:
            return ""


def _imported_name(node: ast.expr, imported: dict[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return imported.get(name, "")
        case ast.Attribute(value=value, attr=attribute) if around := _imported_name(value, imported):
            return f"{around}.{attribute}"
        case _:
            return ""


def _told_by_arguments(call: ast.Call, name: str) -> Iterator[str]:
    """Yield what a call is by its arguments: a mode, or as many of them as only that method takes."""
    if name == "os.open":
        if _has_writing_flags(call):
            yield "os.open to write"
    elif name.rpartition(".")[2] in {"open", "fdopen"}:
        if _has_writing_mode(call, is_method=name.startswith(".")):
            yield "open to write"
    elif name in _ALIKE and _ALIKE[name](call):
        yield f"{name}()"


_ALIKE: dict[str, Callable[[ast.Call], bool]] = {
    ".replace": lambda call: len(call.args) == 1 and not call.keywords,
    ".rename": lambda call: len(call.args) == 1 and not call.keywords,
    ".touch": lambda call: not call.args or isinstance(getattr(call.args[0], "value", None), int),
    ".time": lambda call: not call.args and not call.keywords,
}
"""Methods of files and loops -> how their calls are told from those of texts, moments and topics."""
_MODE = re.compile(r"[rwaxbt+]+([|:].*)?")
_WRITING_FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND", "O_TRUNC", "O_TMPFILE"}


def _has_writing_mode(call: ast.Call, *, is_method: bool) -> bool:
    """Whether a file is opened with a mode that may write. One that is handed on may be any, if it is one."""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    placed = call.args[0 if is_method else 1 :][:1]
    for mode in named or placed:
        if not isinstance(mode, ast.Constant):
            return bool(named) or not is_method
        if isinstance(mode.value, str) and _MODE.fullmatch(mode.value):
            return bool(set(mode.value) & set("wax+"))
    return False


def _has_writing_flags(call: ast.Call) -> bool:
    flags = {
        node.attr for part in call.args[1:2] for node in ast.walk(part) if isinstance(node, ast.Attribute)
    }
    return bool(flags & _WRITING_FLAGS) or "O_RDONLY" not in flags
