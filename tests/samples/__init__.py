"""For every command a call that gives each of its parameters a word, and what PyTorch makes of it.

`tests/test_commands.py` runs them in all syntaxes and derives tests of arity, options, bad words and leaks.
A command without an entry in one of these modules fails there. A module may have

- SAMPLES: by command, calls of each of its forms with the value they must give;
- CALLS: by command, a call that is only spoiled, not compared;
- ELSEWHERE: by command, the test (`module.function`) that checks what it does, where that is no value;
- SETUP: a Tcl script, run once, that makes what the calls name;
- BAD_WORDS: by the noun of a parameter's type, a word that it does not take, and how the error code begins.
"""

from typing import Any

from tests.samples import analysis, apot, basic, hardware, learnable, linear, observe
from tests.samples.sample import TENSORS, Sample, quantized

MODULES = (analysis, apot, basic, hardware, learnable, linear, observe)


def _merged(name: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for module in MODULES:
        part = getattr(module, name, {})
        assert not merged.keys() & part.keys()
        merged |= part
    return merged


SAMPLES: dict[str, list[Sample]] = _merged("SAMPLES")
CALLS: dict[str, dict[str, str]] = _merged("CALLS")
ELSEWHERE: dict[str, str] = _merged("ELSEWHERE")
BAD_WORDS: dict[str, tuple[str, str]] = _merged("BAD_WORDS")
SETUP = "\n".join(getattr(module, "SETUP", "") for module in MODULES)

__all__ = ["BAD_WORDS", "CALLS", "ELSEWHERE", "SAMPLES", "SETUP", "TENSORS", "Sample", "quantized"]
