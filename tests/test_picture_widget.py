"""`-widget`: a picture in a window, on a display of the test's own."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from pybridge import pictures
from tests.screens import pixels_of_dump, virtual_display

SIZE = 640, 480
SCRIPT = """
package require Tk
wm geometry . 640x480+0+0
set levels [dict create powers [torch::tensor_create {0 0.25 0.5 1}]]
proc told {script} {
    puts [list [catch {uplevel 1 $script} message options] $message [dict get $options -errorcode]]
}
proc pictures {} {lsort [lsearch -all -inline [image names] ::torch::*]}

# a label is made, and packed by the script
frame .f
pack .f
puts [torch::plot_levels $levels -widget .f.plot]
puts "[winfo class .f.plot] [winfo manager .f.plot]."
pack .f.plot
update
puts [winfo width .f.plot]x[winfo height .f.plot]
exec xwd -root -silent -out $::env(SHOT)

# another picture takes its place
torch::plotSqnr {a {{bits 4 sqnr_db 12}}} -widget .f.plot
update
puts "[winfo height .f.plot] [pictures]"

# in a button that was there; not in a frame, nor in a window without a parent
puts [torch::plot_levels $levels -widget [button .b]]
puts [pictures]
told {torch::plot_levels $levels -widget .f}
told {torch::plot_levels $levels -widget .g.plot}
puts [pictures]

# the images go with their widgets
destroy .f .b
puts "[pictures]."
"""


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with virtual_display(SIZE) as name:
        yield name


def test_pictures_in_windows(display: str, tmp_path: Path) -> None:
    shot, script = tmp_path / "screen.xwd", tmp_path / "windows.tcl"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-m", "pybridge", str(script)],
        env={**os.environ, "DISPLAY": display, "SHOT": str(shot)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.splitlines() == [
        ".f.plot",
        "Label .",
        "630x335",
        "180 ::torch::_::picture.f.plot",
        ".b",
        "::torch::_::picture.b ::torch::_::picture.f.plot",
        "1 {widget must be one that shows an image but .f is a Frame} {TORCH ARG VALUE widget}",
        '1 {bad window path name ".g"} {TK LOOKUP WINDOW .g}',
        "::torch::_::picture.b ::torch::_::picture.f.plot",
        ".",
    ]
    # what is on the screen is what goes into a file
    content = pictures.render(pictures.levels({"powers": torch.tensor([0, 0.25, 0.5, 1])}), "png", 100)
    drawn = np.rint(imread(io.BytesIO(content), format="png")[:, :, :3] * 255).astype(np.uint8)
    screen = pixels_of_dump(shot)
    assert screen.shape == (SIZE[1], SIZE[0], 3)
    left = (SIZE[0] - 630) // 2
    assert np.array_equal(screen[:335, left : left + 630], drawn)
