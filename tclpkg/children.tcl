# Child interpreters of the tcltorch program: `package require torch` gives them the commands of their parent, and
# they see the same handles.

proc ::torch::_::begin_children {} {
    trace add execution ::interp leave ::torch::_::interp_ran
}

proc ::torch::_::interp_ran {command code result operation} {
    if {$code == 0 && [string match cr* [lindex $command 1]] && [interp exists $result] && ![interp issafe $result]} {
        adopt $result
    }
}

# Give a child what makes torch.tcl choose its parent's transport, and the way to torch.tcl.
proc ::torch::_::adopt {child} {
    variable folder
    variable version
    variable commands
    foreach name {dispatch dispatch_bulk cancel_again} {
        interp alias $child ::torch::_::$name {} ::torch::_::$name
    }
    interp eval $child [list package ifneeded torch $version [list source [file join $folder torch.tcl]]]
    interp eval $child [list namespace eval ::torch::_ [list variable commands $commands version $version]]
}
