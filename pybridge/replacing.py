"""Files that are written whole or not at all."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence


class NotRegular(ValueError):
    """The path is that of something else than a file: a device, a pipe."""


class OneFile(ValueError):
    """The path is another name of the file at an earlier path."""


@contextlib.contextmanager
def replacing(*paths: str, overwrite: bool = True) -> Iterator[tuple[str, ...]]:
    """The names of new files that take the places of those at `paths` when the block ends well: all or none.

    A full disk leaves the old files as they are, and so do other programs that have them mapped. A file that
    is replaced hands its mode on; a link goes on pointing to the file.

    Args:
        overwrite: whether there may be files at `paths`.

    Raises:
        OSError: a file cannot be written, with one of `paths` as its filename; FileExistsError where there
            is one that may not be overwritten.
        NotRegular: a path is no file's.
        OneFile: two paths are of one file, through a link.
    """
    targets = targets_of(paths, overwrite)
    unfinished: list[str] = []
    modes: list[int] = []
    try:
        for path, target in zip(paths, targets, strict=True):
            with _named(path):
                unfinished.append(_new_beside(target))
                modes.append(_mode(unfinished[-1]))
        try:
            yield tuple(unfinished)
        except OSError as error:
            error.filename = dict(zip(unfinished, paths, strict=True)).get(error.filename, paths[0])
            raise
        for name, mode in zip(unfinished, modes, strict=True):
            os.chmod(name, mode)  # the caller may have made the file anew
        put_in_place(unfinished, targets, paths, overwrite)
    finally:
        for name in unfinished:
            _drop(name)


def targets_of(paths: Sequence[str], overwrite: bool = True) -> list[str]:
    """The files behind `paths`, which can be written as far as one can tell.

    Raises:
        OSError, NotRegular, OneFile: as for `replacing`.
    """
    targets = [_target(path, overwrite) for path in paths]
    for index, path in enumerate(paths):
        if targets[index] in targets[:index]:
            raise OneFile(path)
    return targets


def _target(path: str, overwrite: bool) -> str:
    target = os.path.realpath(path)
    if path.endswith(os.sep) or os.path.isdir(target) or not os.path.basename(target):
        raise refusal(errno.EISDIR, path)
    with _named(path):
        try:
            os.lstat(target)  # a name that is too long is refused here, before anything is touched
        except FileNotFoundError:
            return target
    if not os.path.isfile(target):
        raise NotRegular(path)
    if not overwrite:
        raise refusal(errno.EEXIST, path)
    if not os.access(target, os.W_OK):
        raise refusal(errno.EACCES, path)
    return target


def refusal(code: int, path: str) -> OSError:
    """What the operating system raises with this number of `errno`."""
    return OSError(code, os.strerror(code), path)


@contextlib.contextmanager
def _named(path: str) -> Iterator[None]:
    """Errors tell the path that the caller knows."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = path, None
        raise


def _beside(target: str) -> str:
    return os.path.join(os.path.dirname(target), f".tcltorch-{os.urandom(8).hex()}")


def _new_beside(target: str) -> str:
    name = _beside(target)
    os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return name


def put_in_place(
    finished: Sequence[str], targets: Sequence[str], paths: Sequence[str], overwrite: bool = True
) -> None:
    """Move each file to its target; where one cannot go, what was there before comes back.

    A file that is replaced hands its mode on.

    Args:
        paths: what errors call the targets.
        overwrite: whether there may be files at the targets; they may have come in the meantime.
    """
    before: list[tuple[str, str]] = []
    try:
        for name, target, path in zip(finished, targets, paths, strict=True):
            with _named(path):
                if os.path.exists(target):
                    os.chmod(name, _mode(target))
                if len(targets) > 1:
                    before.append((target, _kept(target)))
                _move(name, target, overwrite)
    except BaseException:
        for target, old in reversed(before):
            _bring_back(target, old)
        raise
    for _, old in before:
        if old:
            _drop(old)


def _move(name: str, target: str, overwrite: bool) -> None:
    if overwrite:
        _replace(name, target)
        return
    try:
        os.link(name, target)  # which fails where there is a file
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        os.replace(name, target)
    else:
        os.unlink(name)


def _replace(name: str, target: str) -> None:
    try:
        os.replace(name, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        near = _beside(target)  # a link has led to another file system
        try:
            _copy(name, near)
            os.replace(near, target)
        finally:
            _drop(near)


def _bring_back(target: str, old: str) -> None:
    """Make `target` what it was; where that fails, the old content keeps its other name."""
    with contextlib.suppress(OSError):  # what is left to bring back must not be given up
        if old:
            os.replace(old, target)
        os.unlink(old or target)  # a rename leaves two names of one file as they are


def _mode(name: str) -> int:
    return stat.S_IMODE(os.stat(name).st_mode)


def _drop(name: str) -> None:
    with contextlib.suppress(OSError):  # it has gone to its place, or its folder has
        os.unlink(name)


def _kept(target: str) -> str:
    """A second name for the file at `target`, or an empty one where there is none."""
    if not os.path.exists(target):
        return ""
    name = _beside(target)
    try:
        os.link(target, name)
    except OSError:  # a file system without links
        _copy(target, name)
    return name


def _copy(name: str, target: str) -> None:
    import shutil  # imports a dozen modules, and hardly any file system needs it

    shutil.copy2(name, target)
