"""Files that are written whole or not at all, one or several together."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pybridge.replacing import NotRegular, OneFile, put_in_place, replacing

FAULTS = [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()]


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def write(paths: list[str], text: str, overwrite: bool = True) -> None:
    with replacing(*paths, overwrite=overwrite) as unfinished:
        for name in unfinished:
            Path(name).write_text(text)


def write_half(paths: list[str], fault: BaseException) -> None:
    with replacing(*paths) as (first, _):
        Path(first).write_text("half")
        raise fault


@pytest.mark.parametrize("there", [(), ("a",), ("b",), ("a", "b")])
def test_all_are_new_or_none(tmp_path: Path, there: tuple[str, ...]) -> None:
    paths = [str(tmp_path / name) for name in "ab"]
    for name in there:
        (tmp_path / name).write_text("old")
    before = contents(tmp_path)
    for fault in FAULTS:
        with pytest.raises(type(fault)):
            write_half(paths, fault)
        assert contents(tmp_path) == before
    if there:
        with pytest.raises(FileExistsError) as raised:
            write(paths, "new", overwrite=False)
        assert raised.value.filename == str(tmp_path / there[0])
        assert contents(tmp_path) == before
    write(paths, "new")
    assert contents(tmp_path) == {"a": b"new", "b": b"new"}


@pytest.mark.parametrize("there", [(), ("a",), ("b",), ("a", "b")])
@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_file_that_cannot_go_to_its_place_takes_the_others_back(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: tuple[str, ...],
    links: bool,
    fault: BaseException,
    turn: int,
) -> None:
    for name in there:
        (tmp_path / name).write_text("old")
    before = contents(tmp_path)
    monkeypatch.setattr("pybridge.replacing.os.replace", failing(fault, turn))
    if not links:
        monkeypatch.setattr("pybridge.replacing.os.link", no_links)
    with pytest.raises(type(fault)) as raised:
        write([str(tmp_path / name) for name in "ab"], "new")
    if isinstance(raised.value, OSError):
        assert raised.value.filename == str(tmp_path / "ab"[turn - 1])
    assert contents(tmp_path) == before


def failing(fault: BaseException, turn: int) -> Callable[[str, str], None]:
    """A rename that fails once."""
    calls = 0

    def replace(source: str, target: str) -> None:
        nonlocal calls
        calls += 1
        if calls == turn:
            raise fault
        os.rename(source, target)

    return replace


def no_links(source: str, target: str) -> None:
    raise PermissionError(1, "Operation not permitted", source)


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotRegular, match="pipe"):
        write([str(tmp_path / "a"), str(tmp_path / "pipe")], "new")
    for path in (str(tmp_path), f"{tmp_path}/", f"{tmp_path}/a/"):
        with pytest.raises(IsADirectoryError):
            write([path], "new")
    with pytest.raises(FileNotFoundError) as raised:
        write([str(tmp_path / "no" / "a")], "new")
    assert raised.value.filename == str(tmp_path / "no" / "a")
    assert [each.name for each in tmp_path.iterdir()] == ["pipe"]


def test_a_name_that_is_too_long_is_refused_before_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").write_text("old")
    with pytest.raises(OSError, match="too long") as raised:
        write(["a", "b" * 300], "new")
    assert raised.value.filename == "b" * 300
    assert contents(tmp_path) == {"a": b"old"}


def test_taking_back_does_not_stop_half_way(tmp_path: Path) -> None:
    """The last name cannot be made, nor can it be deleted."""
    old, new = [[str(tmp_path / f"{kind}{name}") for name in "abc"] for kind in ("", "new ")]
    old[2] = str(tmp_path / ("c" * 300))
    for name in (*old[:1], *new):
        Path(name).write_text(Path(name).name)
    with pytest.raises(OSError, match="too long"):
        put_in_place(new, old, old)
    assert contents(tmp_path) == {"a": b"a", "new c": b"new c"}


def test_a_link_to_another_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rename cannot go there, so that the file is copied beside its target first."""
    (tmp_path / "new").write_text("new")
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "file"
    target.write_text("old")
    target.chmod(0o640)

    def replace(source: str, goal: str) -> None:
        if Path(source).parent != Path(goal).parent:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), source)
        os.rename(source, goal)

    monkeypatch.setattr("pybridge.replacing.os.replace", replace)
    put_in_place([str(tmp_path / "new")], [str(target)], ["link"])
    assert contents(tmp_path / "there") == {"file": b"new"}
    assert target.stat().st_mode & 0o777 == 0o640


def test_two_names_of_one_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OneFile, match=r"/b$"):
        write([str(tmp_path / "a"), str(tmp_path / "b")], "new")
    assert contents(tmp_path) == {"a": b"old", "b": b"old"}


def test_a_file_that_comes_in_the_meantime_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def come_between() -> None:
        with replacing(str(path), overwrite=False) as (unfinished,):
            Path(unfinished).write_text("ours")
            path.write_text("theirs")

    with pytest.raises(FileExistsError):
        come_between()
    assert path.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [path]
