"""Tcl test suites under pytest."""
