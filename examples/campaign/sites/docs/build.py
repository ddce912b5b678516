"""Build the repository's docs/ into dist/ with Sphinx; any warning is an error.

The same pages give the same bytes: everything is built anew, and Sphinx's notes to itself are left out.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from sphinx.cmd.build import main as sphinx

HERE = Path(__file__).resolve().parent
PAGES = HERE.parents[3] / "docs"
OUTPUT = HERE / "dist"

NOTES = (".buildinfo", "objects.inv")


def build() -> int:
    """Write dist/ anew, and return Sphinx's exit status."""
    # Sphinx dates its output by this; a build of the same pages has the same date.
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    shutil.rmtree(OUTPUT, ignore_errors=True)
    with tempfile.TemporaryDirectory() as cache:
        options = ["-W", "--keep-going", "-q", "-b", "dirhtml", "-d", cache, "-c", str(HERE)]
        status = sphinx([*options, str(PAGES), str(OUTPUT)])
    for name in NOTES:
        (OUTPUT / name).unlink(missing_ok=True)
    return status


if __name__ == "__main__":
    sys.exit(build())
