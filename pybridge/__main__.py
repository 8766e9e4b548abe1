"""`python -m pybridge` is `tcltorch`."""

import sys

from pybridge.cli import main

if __name__ == "__main__":
    sys.exit(main())
