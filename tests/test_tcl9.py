"""What only Tcl 9.0 shows of the package: lists that are not stored, strict channels, files in zipfs.

The suites of tests/tcl run in it, too (tests/both_transports.py).
"""

from pathlib import Path

import pytest

from tests.both_transports import tclsh9
from tests.stock_tclsh import tclsh

pytestmark = pytest.mark.usefixtures("forked_workers")


@pytest.fixture(autouse=True)
def _tclsh_is_9(monkeypatch: pytest.MonkeyPatch) -> None:
    program = tclsh9() or pytest.skip("there is no tclsh9.0: .ci/tcl9 fetches it")
    monkeypatch.setattr("tests.stock_tclsh.TCLSH", program)


def test_lists_that_are_not_stored_go_over_without_being_stored(tmp_path: Path) -> None:
    script = """
        package require torch
        foreach list [list [lseq 5] [lseq 2000] [lseq 0 1 0.25] [lreverse [lseq 4]] [lrange [lseq 9] 2 4]] {
            set tensor [torch::tensor_create $list float64]
            set same [expr {[torch::tensor_to_list $tensor] eq [lmap number $list {expr {1.0 * $number}}]}]
            set kind [lindex [::tcl::unsupported::representation $list] 3]
            puts [list [torch::tensor_shape $tensor] $same $kind]
        }
        puts [torch::tensor_shape [torch::tensor_create [lmap row {1 2 3} {lseq 4}]]]
        puts [torch::tensor_shape [torch::zeros [lseq 2 4]]]
    """
    kept = [f"{length} 1 arithseries" for length in (5, 2000, 5, 4, 3)]
    assert tclsh(tmp_path, script) == [*kept, "3 4", "2 3 4"]


def test_letters_that_a_channel_cannot_write_are_replaced(tmp_path: Path) -> None:
    script = r"""
        package require torch
        foreach encoding {utf-8 ascii} {
            chan configure stdout -encoding $encoding
            torch::remote {puts "a\ud800b \u20ac \u00e9"}
        }
    """
    assert tclsh(tmp_path, script) == ["a\ufffdb \u20ac \u00e9", "a?b ? ?"]


def test_a_folder_of_zipfs_is_none_for_the_worker(tmp_path: Path) -> None:
    script = """
        package require torch
        file mkdir packed/folder
        close [open packed/folder/file w]
        zipfs mkzip files.zip packed packed
        zipfs mount files.zip /mounted
        cd [zipfs root]mounted/folder
        set x [torch::ones 2]
        foreach script {{torch::save_safetensors [list x $x] made} {torch::remote {pwd}}} {
            catch $script message options
            puts [list $message [dict get $options -errorcode]]
        }
        puts [torch::tensor_to_list $x]
    """
    refused = (
        '{couldn\'t change working directory to "//zipfs:/mounted/folder": no such file or directory}'
        " {POSIX ENOENT {no such file or directory}}"
    )
    assert tclsh(tmp_path, script) == [refused, refused, "1.0 1.0"]
    assert not (tmp_path / "made").exists()
