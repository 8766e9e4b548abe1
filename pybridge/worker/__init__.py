"""PyTorch in a process of its own, for a Tcl that is not ours: `tclpkg/worker.tcl` starts it and asks."""
