"""Stands in for PyTorch where a test has no use for it; see tests/forked_prompt.py."""

raise ImportError("this test has no PyTorch")
