"""Copy src/ to dist/, where every file under assets/ carries a hash of its content in its name.

A reference is an asset's file name after `assets/` in a document, or after `./` in another asset. An asset is
renamed after what it refers to, so its hash covers what it loads: `./storage.js` becomes
`./storage.1f0e5d2c9a.js` wherever it is named.
"""

import hashlib
import re
import shutil
from graphlib import TopologicalSorter
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "src"
OUTPUT = HERE / "dist"

TEXT = {".css", ".html", ".js", ".json", ".svg"}
REFERENCE = re.compile(r"""(?<=["'(])(assets/|\./)([\w-]+\.\w+)(?=["')])""")

HASH_DIGITS = 10


def build() -> None:
    """Write dist/ anew."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    names: dict[str, str] = {}
    for path in order_assets(SOURCE / "assets"):
        content = rewrite(path, names)
        names[path.name] = hash_name(path, content)
        write(OUTPUT / "assets" / names[path.name], content)
    for path in sorted(SOURCE.glob("*.*")):
        write(OUTPUT / path.name, rewrite(path, names))


def order_assets(folder: Path) -> list[Path]:
    """Order the assets so that each comes after those that it refers to; a circle is an error."""
    graph = {path.name: sorted(find_references(path)) for path in sorted(folder.iterdir())}
    return [folder / name for name in TopologicalSorter(graph).static_order()]


def find_references(path: Path) -> set[str]:
    """Find the names of the assets that a file refers to."""
    if path.suffix not in TEXT:
        return set()
    return {match[2] for match in REFERENCE.finditer(path.read_text(encoding="utf-8"))}


def rewrite(path: Path, names: dict[str, str]) -> bytes:
    """Read a file, its references replaced by the assets' hashed names."""
    if path.suffix not in TEXT:
        return path.read_bytes()
    text = path.read_text(encoding="utf-8")
    return REFERENCE.sub(lambda match: match[1] + names[match[2]], text).encode()


def hash_name(path: Path, content: bytes) -> str:
    """Name an asset after its content."""
    digest = hashlib.sha256(content).hexdigest()[:HASH_DIGITS]
    return f"{path.stem}.{digest}{path.suffix}"


def write(path: Path, content: bytes) -> None:
    """Write a file, and its folder if it is the first there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    build()
