# The Tcl side of the package: the interpreter that Python builds sources this file before it makes the commands.

if {[info commands ::torch::_::dispatch] eq ""} {
    return -code error -errorcode {TORCH UNSUPPORTED package} \
        "package torch runs inside the tcltorch program: start the script with it"
}

namespace eval ::torch {
    namespace export {[a-zA-Z]*}
    namespace ensemble create -prefixes 0
    namespace eval _ {}
}

foreach file {call.tcl bulk.tcl scope.tcl exit.tcl} {
    source -encoding utf-8 [file join [file dirname [info script]] $file]
}
unset file

package provide torch $::torch::_::version
