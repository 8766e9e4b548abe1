# The package. In the tcltorch program Python has made the commands that it calls already; elsewhere a worker
# serves them, a process of Python's that is started when it is first needed.

if {[namespace which ::torch::_::call] ne ""} {
    package provide torch $::torch::_::version  ;# sourced before
    return
}

namespace eval ::torch {
    # all but info and memory: `namespace import torch::*` would stop at Tcl's own info, or replace it, and tcltest
    # takes any memory for that of a Tcl with memory debugging
    namespace export {[a-hj-ln-zA-Z]*} {i[a-mo-zA-Z_]*} {in[a-eg-zA-Z_]*} {m[a-df-zA-Z_]*}
    namespace ensemble create -prefixes 0 -unknown ::torch::_::no_subcommand
    namespace eval _ {
        variable source [info script]  ;# this file
    }
}

# In the module torch-VERSION.tm the files themselves stand here (pybridge/package.py).
foreach ::torch::_::file {
    commands.tcl call.tcl bulk.tcl picture.tcl scope.tcl inside.tcl exit.tcl
    python.tcl daemon.tcl worker.tcl frames.tcl requests.tcl expect.tcl async.tcl transport.tcl
} {
    source -encoding utf-8 [file join [file dirname $::torch::_::source] $::torch::_::file]
}

::torch::_::begin
package provide torch $::torch::_::version
