"""Back ends of fake quantize for tests of kernels."""

from typing import Any

from pybridge.quant.backend import Backend


class CountingBackend(Backend):
    """Counts how often a kernel ran, so that a test of kernels can tell that it is one."""

    runs = 0

    def run(self, *arguments: Any, **options: Any) -> None:
        self.runs += 1
        super().run(*arguments, **options)


BACK_ENDS = {
    choice: CountingBackend(choice) for choice in ("torch", "numba")
}  # what is compiled serves all tests
