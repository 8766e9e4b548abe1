"""A folder of weights, from Python: names of files, one weight at a time, nothing left after a failure."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from pybridge.hardware import (
    FORMATS,
    BadArgument,
    Weight,
    export_integers,
    export_model,
    import_integers,
    model,
)
from pybridge.replacing import NotRegular

NAMES = [
    *("a/b", "a:b", "A_B", "index", "INDEX", "", "..", "../../etc/passwd", "-x", "\u00e9t\u00e9", "w\n{$x}"),
    *("n" * 300, "n" * 301, "a", "a.json.manifest", "a.json", "b.c", "b_c", "int", "tensor_int"),
]


def weights(names: list[str]) -> Iterator[Weight]:
    for number, name in enumerate(names):
        yield Weight(name, torch.tensor([number, -number]), bits=7)


@pytest.mark.parametrize("format", FORMATS)
def test_each_weight_has_a_file_whatever_it_is_called(tmp_path: Path, format: str) -> None:
    folder = tmp_path / "model"
    seen: list[str] = []
    totals = export_model(weights(NAMES), str(folder), format, step=seen.append)
    assert seen == NAMES
    held = json.loads((folder / "index.json").read_text())["weights"]
    assert list(held) == NAMES
    files = [entry["file"] for entry in held.values()]
    assert len({name.lower() for name in files}) == len(NAMES) == totals.weights
    there = {each.name for each in folder.iterdir()}
    assert there == {"index.json", *files, *(f"{file}.manifest.json" for file in files)}
    assert totals.bytes == sum((folder / file).stat().st_size for file in files)
    for number, file in enumerate(files):
        assert import_integers(str(folder / file)).tolist() == [number, -number]
    assert [each.name for each in tmp_path.iterdir()] == ["model"]
    if format == "c_header":
        arrays = [(folder / file).read_text().partition("int8_t ")[2].partition("[")[0] for file in files]
        assert len({name.upper() for name in arrays}) == len(NAMES)


def test_the_index_comes_to_its_place_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds it finds all that it tells of."""
    moved: list[str] = []
    monkeypatch.setattr(model, "put_in_place", lambda files, targets, paths, overwrite: moved.extend(paths))
    export_model(weights(["a", "z"]), str(tmp_path), "coe")
    assert len(moved) == 5
    assert Path(moved[-1]).name == "index.json"


def test_one_weight_at_a_time(tmp_path: Path) -> None:
    """The next weight is made when the one before is written."""
    made: list[str] = []
    written: list[str] = []

    def lazily() -> Iterator[Weight]:
        for weight in weights(["a", "b", "c"]):
            assert written == made
            made.append(weight.name)
            yield weight

    export_model(lazily(), str(tmp_path / "model"), "coe", step=written.append)
    assert written == ["a", "b", "c"]


def test_a_failure_names_the_weight_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    good = Weight("good", torch.tensor([1]), bits=4)
    for bad, message in (
        (Weight("large", torch.tensor([0, 8]), bits=4), "large: input must fit into 4 signed bits (-8 .. 7)"),
        (Weight("good", torch.tensor([1]), bits=4), "weights must have different names but two are good"),
    ):
        with pytest.raises(BadArgument) as raised:
            export_model([good, bad], str(folder), "coe")
        assert str(raised.value).startswith(message)
        assert not list(tmp_path.iterdir())

    def stopped(_: str) -> None:
        raise KeyboardInterrupt

    folder.mkdir()
    (folder / "good.coe").write_text("mine")
    with pytest.raises(KeyboardInterrupt):
        export_model([good], str(folder), "coe", overwrite=True, step=stopped)
    assert [each.read_text() for each in folder.iterdir()] == ["mine"]
    with pytest.raises(FileExistsError):
        export_model([good], str(folder), "coe")
    (folder / "good.coe").unlink()
    export_model([good], str(folder), "coe")
    assert import_integers(str(folder / "good.coe")).tolist() == [1]
    with pytest.raises(NotADirectoryError):
        export_model([good], str(folder / "good.coe"), "coe", overwrite=True)
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


GOOD = Weight("good", torch.tensor([1]), bits=4)


def test_a_folder_without_a_name_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.coe").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(FileNotFoundError) as raised:
            export_model([GOOD], "", "coe", overwrite=overwrite)
        assert raised.value.filename == ""
    assert [each.read_text() for each in tmp_path.iterdir()] == ["mine"]


def test_a_folder_that_is_there_stays_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be the current one, or a mount point, which no rename replaces."""
    os.chmod(tmp_path, 0o2750)
    before = os.stat(tmp_path)
    monkeypatch.chdir(tmp_path)
    export_model([GOOD], ".", "coe")
    assert sorted(os.listdir()) == ["good.coe", "good.coe.manifest.json", "index.json"]
    after = os.stat(tmp_path)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


def test_files_that_are_replaced_keep_modes_and_links(tmp_path: Path) -> None:
    """As those of `export_integers` do."""
    for export in (
        lambda: export_model([GOOD], str(tmp_path / "model"), "coe", overwrite=True),
        lambda: export_integers(
            GOOD.integers, str(tmp_path / "model" / "good.coe"), "coe", bits=4, overwrite=True
        ),
    ):
        (tmp_path / "model").mkdir()
        for name, mode in (("linked", 0o640), ("model/good.coe.manifest.json", 0o606)):
            (tmp_path / name).write_text("old")
            (tmp_path / name).chmod(mode)
        (tmp_path / "model" / "good.coe").symlink_to("../linked")
        export()
        assert (tmp_path / "model" / "good.coe").is_symlink()
        assert (tmp_path / "linked").read_text().endswith("\n1;\n")
        assert (tmp_path / "linked").stat().st_mode & 0o777 == 0o640
        assert (tmp_path / "model" / "good.coe.manifest.json").stat().st_mode & 0o777 == 0o606
        assert import_integers(str(tmp_path / "model" / "good.coe")).tolist() == [1]
        shutil.rmtree(tmp_path / "model")


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "good.coe")
    with pytest.raises(NotRegular):
        export_model([GOOD], str(tmp_path), "coe", overwrite=True)
    assert os.listdir(tmp_path) == ["good.coe"]


def test_files_that_come_in_the_meantime_are_left(tmp_path: Path) -> None:
    def meanwhile(_: str) -> None:
        (tmp_path / "good.coe").write_text("mine")

    with pytest.raises(FileExistsError) as raised:
        export_model([GOOD], str(tmp_path), "coe", step=meanwhile)
    assert raised.value.filename == str(tmp_path / "good.coe")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["mine"]


def test_the_index_comes_last_and_takes_the_others_back(tmp_path: Path) -> None:
    (tmp_path / "index.json").mkdir()
    (tmp_path / "good.coe").write_text("mine")
    with pytest.raises(OSError, match=r"index\.json") as raised:
        export_model([GOOD], str(tmp_path), "coe", overwrite=True)
    assert raised.value.filename == str(tmp_path / "index.json")
    assert sorted(os.listdir(tmp_path)) == ["good.coe", "index.json"]
    assert (tmp_path / "good.coe").read_text() == "mine"
