"""Displays without a screen, and what is on them."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest


def installed(program: str, package: str) -> str:
    """The path of a program; without it the test is skipped."""
    return shutil.which(program) or pytest.skip(f"{program} is not installed: apt-get install {package}")


@contextlib.contextmanager
def virtual_display(size: tuple[int, int]) -> Iterator[str]:
    """The name of a display of the test's own, which `xwd` can take pictures of."""
    installed("Xvfb", "xvfb")
    installed("xwd", "x11-apps")
    reader, writer = os.pipe()
    screen = f"{size[0]}x{size[1]}x24"
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", screen, "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL)
    os.close(writer)
    with open(reader) as number:
        name = number.readline().strip()
    assert name, "Xvfb did not start"
    yield f":{name}"
    server.terminate()
    server.wait()


def pixels_of_dump(path: Path) -> np.ndarray:
    """The red, green and blue of a screen that `xwd` has written: 32 bits a pixel, blue first."""
    content = path.read_bytes()
    header = np.frombuffer(content[:100], ">u4")
    size, colours = int(header[0]), int(header[19])
    width, height, line = int(header[4]), int(header[5]), int(header[12])
    data = np.frombuffer(content[size + 12 * colours :], np.uint8).reshape(height, line)
    return data[:, : 4 * width].reshape(height, width, 4)[:, :, 2::-1]
