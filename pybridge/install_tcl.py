"""`tcltorch install-tcl`: the Tcl package as one file in a folder, for tools that come with their own Tcl."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pybridge import __version__
from pybridge.package import module_name, module_text
from pybridge.replacing import NotRegular, OneFile, replacing
from pybridge.tcl_list import join_list
from pybridge.tcl_package import package_text, tcl_package

_INDEX = f"""\
if {{![package vsatisfies [package provide Tcl] 8.6-]}} {{return}}
package ifneeded torch {__version__} [list source -encoding utf-8 [file join $dir {module_name()}]]
package ifneeded torch::tcltest {__version__} [list source -encoding utf-8 [file join $dir match.tcl]]
"""
_DISTRIBUTION = ("/usr/lib", "/usr/share")  # folders that are not ours to write to
_ASK_TCLSH = r"puts [join $auto_path \n]"


class NoFolder(Exception):
    """There is no folder to install into, or it cannot be written."""


def install_tcl(given: str = "") -> str:
    """Write the package into a folder of its own in the folder that is given.

    Args:
        given: by default one that `tclsh` looks for packages in, of those that belong to no distribution.

    Returns:
        What was written, and how to use it.

    Raises:
        NoFolder: why not.
    """
    parent = Path(given).absolute() if given else _default_folder()
    folder = parent / f"torch{__version__}"
    texts = {
        "pkgIndex.tcl": _INDEX,
        module_name(): module_text(sys.executable),
        "match.tcl": package_text("tcltest", "match.tcl"),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(*(str(folder / name) for name in texts)) as paths:
            for path, text in zip(paths, texts.values(), strict=True):
                Path(path).write_text(text, "ascii")
                os.chmod(path, 0o644)
    except OSError as error:
        raise NoFolder(f'couldn\'t write to "{error.filename}": {(error.strerror or "").lower()}') from None
    except (NotRegular, OneFile):
        raise NoFolder(f'couldn\'t write to "{folder}": there is something that is no file') from None
    return _report(folder, list(texts), bool(given))


def _report(folder: Path, names: list[str], given: bool) -> str:
    wrote = "\n".join(f"wrote {folder / name}" for name in names)
    if not given:
        return f"{wrote}\ntclsh finds it: package require torch"
    return (
        f"{wrote}\n"
        f"In a Tcl program: lappend {join_list(('auto_path', str(folder.parent)))}; package require torch\n"
        f"or, as one file:  {join_list(('source', str(folder / module_name())))}"
    )


def _default_folder() -> Path:
    """The first folder in which tclsh looks and that can be written."""
    for folder in _tclsh_folders():
        if folder != Path(tcl_package()) and not str(folder).startswith(_DISTRIBUTION) and _writable(folder):
            return folder
    raise NoFolder("tclsh looks in no folder that can be written: name one, tcltorch install-tcl DIR")


def _tclsh_folders() -> list[Path]:
    program = shutil.which("tclsh")
    if program is None:
        return []
    done = subprocess.run([program], input=_ASK_TCLSH, capture_output=True, text=True, timeout=60)
    return [Path(line) for line in done.stdout.splitlines() if line.startswith("/")]


def _writable(folder: Path) -> bool:
    """Whether it can be written, or made."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return there.is_dir() and os.access(there, os.W_OK)
