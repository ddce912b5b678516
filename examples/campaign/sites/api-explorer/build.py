"""Write Swagger UI from its PyPI package to dist/, with our page and start-up script around it.

Of the package's three megabytes the page needs a script, a style sheet and an icon. Their names carry a hash of
their content, and the comments that point to source maps are left out with the maps.
"""

import hashlib
import re
import shutil
from pathlib import Path
from string import Template

from swagger_ui_bundle import swagger_ui_path

HERE = Path(__file__).resolve().parent
OUTPUT = HERE / "dist"

ASSETS = {
    "favicon": swagger_ui_path / "favicon-32x32.png",
    "swagger_css": swagger_ui_path / "swagger-ui.css",
    "swagger_js": swagger_ui_path / "swagger-ui-bundle.js",
    "explorer_css": HERE / "src/explorer.css",
    "explorer_js": HERE / "src/explorer.js",
}

SOURCE_MAP = re.compile(rb"\s*(//# sourceMappingURL=\S+|/\*# sourceMappingURL=\S+\*/)\s*\Z")


def build() -> None:
    """Write dist/ anew."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    (OUTPUT / "assets").mkdir(parents=True)
    names = {role: write_asset(path) for role, path in ASSETS.items()}
    page = Template((HERE / "src/index.html").read_text(encoding="utf-8"))
    (OUTPUT / "index.html").write_text(page.substitute(names), encoding="utf-8")


def write_asset(path: Path) -> str:
    """Write an asset under a name that holds a hash of its content, and return that name."""
    content = SOURCE_MAP.sub(b"\n", path.read_bytes())
    name = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:10]}{path.suffix}"
    (OUTPUT / "assets" / name).write_bytes(content)
    return name


if __name__ == "__main__":
    build()
