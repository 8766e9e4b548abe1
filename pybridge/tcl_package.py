"""Where the files of the Tcl package are. It imports nothing: the pytest plugin asks, too."""

import os


def tcl_package(*names: str) -> str:
    """The folder of the Tcl package, or a file in it.

    It is inside the Python package when installed, beside it in a checkout.
    """
    here = os.path.dirname(os.path.realpath(__file__))
    inside = os.path.join(here, "tclpkg")
    folder = inside if os.path.isdir(inside) else os.path.join(os.path.dirname(here), "tclpkg")
    return os.path.join(folder, *names)


def package_text(*names: str) -> str:
    """What is in a file of the package."""
    with open(tcl_package(*names), encoding="ascii") as file:
        return file.read()
