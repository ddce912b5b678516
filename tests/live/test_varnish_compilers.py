"""The cache's programs are compiled by TinyCC where it is there and able, and by gcc otherwise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from handshake.core.errors import RefusedError
from handshake.syntax.vcl import Bare, act, print_vcl, sub
from tests.live.edges import open_folder, run_varnish

pytestmark = pytest.mark.live

ANSWERING = print_vcl((Bare(text="backend none none"), sub("vcl_recv", act("return (synth(200))"))))
BROKEN = "vcl 4.1; backend none none; sub vcl_recv { no such word; }"
REFUSING = """#!/bin/sh
touch {folder}/asked
exit 1
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder into which Varnish's compiler may look and write."""
    with open_folder() as folder:
        yield folder


def test_what_the_first_compiler_refuses_the_second_compiles(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A TinyCC that cannot costs nobody a program, and what is no VCL is refused all the same."""
    folder.chmod(0o777)
    compiler = folder / "tcc"
    compiler.write_text(REFUSING.format(folder=folder))
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    with run_varnish(folder) as cache:
        cache.prepare("answering", ANSWERING)
        cache.flip("answering")
        assert cache.active() == "answering"
        with pytest.raises(RefusedError, match="does not accept the VCL"):
            cache.prepare("broken", BROKEN)
    assert (folder / "asked").exists()
