"""Where the files of the Tcl package are. It imports nothing: the pytest plugin asks, too."""

from pathlib import Path


def tcl_package() -> Path:
    """The folder of the Tcl package: inside the Python package when installed, beside it in a checkout."""
    here = Path(__file__).resolve().parent
    inside = here / "tclpkg"
    return inside if inside.is_dir() else here.parent / "tclpkg"
