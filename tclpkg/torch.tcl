# The Tcl side of the package: the interpreter that Python builds sources this file before it makes the commands.

if {[info commands ::torch::_::dispatch] eq ""} {
    return -code error -errorcode {TORCH UNSUPPORTED package} \
        "package torch runs inside the tcltorch program: start the script with it"
}

namespace eval ::torch {
    namespace export {[a-zA-Z]*}
    namespace ensemble create -prefixes 0 -unknown ::torch::_::no_subcommand
    namespace eval _ {}
}

apply {{folder files} {
    foreach file $files {
        source -encoding utf-8 [file join $folder $file]
    }
} ::torch::_} [file dirname [info script]] {call.tcl bulk.tcl picture.tcl scope.tcl exit.tcl}

package provide torch $::torch::_::version
