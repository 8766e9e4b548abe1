"""Stands in for PyTorch where a test has no use for it; see tests/terminal.py."""

raise ImportError("this test has no PyTorch")
