"""The pytest plugin's counts are tclsh's for random suites.

`TCLTORCH_RANDOM_SUITES=100 pytest tests/test_tcltest_random.py` tries a hundred times some that are new.
"""

import os
import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tcltest_random import suites
from tests.tcltest_suites import COUNTS, TCLSH, run

pytest_plugins = ["pytester"]

WANTED = os.environ.get("TCLTORCH_RANDOM_SUITES", "")
TRIED = settings(
    max_examples=int(WANTED or 6),
    derandomize=not WANTED,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_RESULT = re.compile(r"^[^/]*/(a\d\.test)::.* (PASSED|SKIPPED|FAILED|ERROR)\b.*%\]$", re.M)


def _run_alone(path: Path) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*TCLSH, path.name], cwd=path.parent, stdin=subprocess.DEVNULL, capture_output=True, timeout=30
    )


@TRIED
@given(texts=st.lists(suites(), min_size=1, max_size=8))
def test_counts_of_random_suites_are_tclshs(pytester, texts):
    with tempfile.TemporaryDirectory(dir=pytester.path) as name:
        files = [Path(name, f"a{number}.test") for number in range(len(texts))]
        for path, text in zip(files, texts, strict=True):
            path.write_text(text)
        alone = [_run_alone(path) for path in files]
        result = run(pytester, "-v", "--tb=short", *map(str, files))
    found = Counter(_RESULT.findall(result.stdout.str()))
    for path, text, process in zip(files, texts, alone, strict=True):
        totals = COUNTS.findall(process.stdout.decode("utf-8", "replace"))
        if totals:
            _, *theirs = (sum(map(int, column)) for column in zip(*totals, strict=True))
            ours = [found[path.name, status] for status in ("PASSED", "SKIPPED", "FAILED")]
            assert ours == theirs, f"{text}\n{process}"
        if process.returncode:
            assert found[path.name, "ERROR"] or found[path.name, "FAILED"]
