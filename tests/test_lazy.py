"""Modules that are imported when they are first used."""

import subprocess
import sys

# PyTorch as it is where something it needs is missing: {missing} cannot be imported.
_BROKEN = """
import sys
from pybridge.dispatch import Dispatcher

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "{missing}":
            raise ImportError("libodd.so: cannot open shared object file")

sys.meta_path.insert(0, Missing())
dispatcher = Dispatcher()
def told(*words):
    status, value, options = dispatcher("", *words)
    print(status, value, *dict(zip(options[::2], options[1::2])).get("-errorcode", ()))
"""
_TOLD = "1 PyTorch cannot be imported: libodd.so: cannot open shared object file TORCH UNSUPPORTED torch\n"


def _run(missing: str, script: str) -> tuple[str, str, int]:
    program = _BROKEN.format(missing=missing) + script
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return done.stdout, done.stderr, done.returncode


def test_pytorch_that_fails_half_way_is_not_tried_again() -> None:
    script = """
told("ones", "2")
told("observer", "minmax")
told("ones", "2")
"""
    assert _run("torch.nn", script) == (_TOLD * 3, "", 0)


def test_pytorch_that_was_missing_is_found_later() -> None:
    script = """
told("ones", "2")
sys.meta_path.pop(0)
told("ones", "2")
"""
    assert _run("torch", script) == (f"{_TOLD}0 tensor0\n", "", 0)
