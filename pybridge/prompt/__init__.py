"""The prompt of `tcltorch` on a terminal."""
