"""Time and memory of the example that chooses a quantization: `python -m tests.benchmarks.example MODEL`."""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "choose_quantization.tcl"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pybridge", str(EXAMPLE), sys.argv[1], "-folder", f"{folder}/out"]
        begin = time.perf_counter()
        status = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
        wall = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    print(f"{EXAMPLE.name}: {wall:.0f} s, {cpu:.0f} s of CPU, {used.ru_maxrss >> 10} MiB at the peak")
    return status


if __name__ == "__main__":
    sys.exit(main())
