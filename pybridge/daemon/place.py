"""Where the daemon is found: a folder that only its user can read, and the files in it.

The host's name is part of theirs, because a home folder may be shared by several hosts.
"""

import os
import stat


class NoPlace(Exception):
    """There is no folder that is the user's alone; the message says why."""


def folder() -> str:
    """The folder of the files: `$XDG_RUNTIME_DIR/tcltorch`, else `~/.cache/tcltorch`.

    Raises:
        NoPlace: neither variable tells of a folder.
    """
    runtime, home = os.environ.get("XDG_RUNTIME_DIR", ""), os.environ.get("HOME", "")
    if runtime.startswith("/"):
        return f"{runtime}/tcltorch"
    if home.startswith("/"):
        return f"{home}/.cache/tcltorch"
    raise NoPlace("neither XDG_RUNTIME_DIR nor HOME names a folder")


def path(kind: str = "") -> str:
    """A file of the daemon's: by default what clients read; `socket`, `lock` or `log`."""
    return f"{folder()}/{name(kind)}"


def name(kind: str = "") -> str:
    """The last part of `path`."""
    return f"daemon-{os.uname().nodename}{'.' if kind else ''}{kind}"


def make_folder() -> str:
    """The folder, made when it is missing, for its user alone.

    Raises:
        NoPlace: it is another user's, or cannot be made.
    """
    found = folder()
    try:
        os.makedirs(os.path.dirname(found), 0o700, exist_ok=True)
        try:
            os.mkdir(found, 0o700)
        except FileExistsError:
            pass  # of an earlier daemon, or somebody else's
        if not is_own(found):
            raise NoPlace(f'"{found}" is not a folder of your own')
        os.chmod(found, 0o700)
    except OSError as error:
        raise NoPlace(f'cannot use "{found}": {error.strerror}') from None
    return found


def is_own(found: str) -> bool:
    """Whether this is a folder, no link to one, and this user's."""
    there = os.lstat(found)
    return stat.S_ISDIR(there.st_mode) and there.st_uid == os.geteuid()


def write(text: str) -> None:
    """Write what clients read: whole, or not at all."""
    unfinished = path("new")
    try:
        os.unlink(unfinished)  # of a daemon that was killed
    except FileNotFoundError:
        pass
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)  # whatever the umask
        file.write(text)
    os.rename(unfinished, path())


def has(lock: int) -> bool:
    """Whether this open file is the lock that clients find; not when the folder was removed and made anew."""
    try:
        return os.path.samestat(os.fstat(lock), os.stat(path("lock")))
    except OSError:
        return False


def locale_name() -> str:
    """What decides on the encoding of names and texts; Tcl and Python look once, when they start."""
    return next(filter(None, map(os.environ.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")


def package_folder() -> str:
    """Where this package lies: a daemon of another installation is not used."""
    return os.path.dirname(os.path.dirname(__file__))
