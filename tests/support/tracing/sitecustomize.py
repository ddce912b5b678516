"""Writes down when which function of the package is called; loaded at the start of every process of a traced interpreter.

A line of a trace is: monotonic seconds, thread, file, function. All processes of a machine share that clock.
"""

import os
import sys
import threading
import time
from pathlib import Path
from types import CodeType, FrameType

_PACKAGE = "/src/handshake/"
_APART_SECONDS = 0.002
"""The calls of one function in one thread that are closer than this are one line."""
_GENERATED = {"<module>", "__getattr__"}

_names: dict[CodeType, tuple[str, str] | None] = {}
_last: dict[tuple[int, CodeType], float] = {}


def _start(traces: Path) -> None:
    trace = os.open(traces / f"{os.getpid()}.trace", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def note(frame: FrameType, event: str, argument: object) -> None:
        del event, argument
        code = frame.f_code
        if code not in _names:
            _names[code] = _name(code)
        name = _names[code]
        if name is None:
            return
        now, key = time.monotonic(), (threading.get_ident(), code)
        if now - _last.get(key, 0.0) < _APART_SECONDS or _is_importing(frame):
            return
        _last[key] = now
        thread = threading.current_thread().name
        os.write(trace, f"{now:.6f}\t{thread}\t{name[0]}\t{name[1]}\n".encode())

    threading.settrace(note)
    sys.settrace(note)


def _name(code: CodeType) -> tuple[str, str] | None:
    """Return file and function; None for what is no function of the package: modules, bodies of classes, generated code."""
    _, found, file = code.co_filename.partition(_PACKAGE)
    is_function = code.co_flags & 0x1 and code.co_name not in _GENERATED
    return (file, code.co_qualname) if found and is_function else None


def _is_importing(frame: FrameType) -> bool:
    """Tell whether a call belongs to the import of a module, such as a decorator's; the program itself is a module too."""
    above: FrameType | None = frame.f_back
    while above:
        if above.f_code.co_name == "<module>" and above.f_globals.get("__name__") != "__main__":
            return True
        above = above.f_back
    return False


if any(word.startswith("handshake.") for word in sys.orig_argv):
    _folder = Path(sys.prefix) / "traces"
    (_folder / f"{os.getpid()}.argv").write_text("\n".join(sys.orig_argv))
    _start(_folder)
