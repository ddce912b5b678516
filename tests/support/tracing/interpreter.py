"""An interpreter that is the present one and traces every process it runs; what it starts by its own path is traced too."""

import sys
import sysconfig
from pathlib import Path

_TRACER = Path(__file__).with_name("sitecustomize.py")


def make_interpreter(folder: Path) -> Path:
    """Make a virtual environment over the present one; return its Python. Traces lie in its folder `traces`."""
    present = Path(sys.executable).parent
    site = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    for made in (folder / "bin", folder / "traces", site):
        made.mkdir(parents=True)
    for program in present.iterdir():
        (folder / "bin" / program.name).symlink_to(program.resolve())
    (folder / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    (site / "sitecustomize.py").symlink_to(_TRACER)
    packages = sysconfig.get_path("purelib")
    (site / "present.pth").write_text(f"import site; site.addsitedir({packages!r})\n")
    return folder / "bin" / "python"
