# Which Python the worker runs in.

# ::torch::python, then TORCH_TCL_PYTHON, then the Python that the package lies beside, then python3.
proc ::torch::_::find_python {} {
    variable source
    variable home  ;# in the module of `tcltorch install-tcl`: the Python that made it
    if {[info exists ::torch::python] && $::torch::python ne ""} {
        return $::torch::python
    }
    if {[info exists ::env(TORCH_TCL_PYTHON)] && $::env(TORCH_TCL_PYTHON) ne ""} {
        return $::env(TORCH_TCL_PYTHON)
    }
    set folder [file dirname $source]
    set beside [list [file join $folder .. .venv bin python] [file join $folder .. .. .. .. .. bin python3]]
    if {[info exists home]} {
        set beside [list $home]
    }
    foreach candidate $beside {
        if {[file executable $candidate]} {
            return $candidate
        }
    }
    return python3
}
