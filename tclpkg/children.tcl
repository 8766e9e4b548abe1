# Child interpreters. Those of the tcltorch program get the commands of their parent by `package require torch`, and
# see the same handles. Elsewhere a child has a worker of its own; a safe one has what its parent gives it.

proc ::torch::_::begin_children {} {
    trace add execution ::interp leave {::torch::_::interp_ran {}}
    at_end {args {
        trace remove execution ::interp leave {::torch::_::interp_ran {}}
    }}
}

# Adopt what a child on this path, or this interpreter itself, has just created.
proc ::torch::_::interp_ran {path command code result operation} {
    if {$code != 0 || ![string match cr* [lindex $command 1]]} {
        return
    }
    set child [list {*}$path {*}[lindex [created $command $result $path] 0]]
    if {[llength $child] > [llength $path] && [interp exists $child] && ![interp issafe $child]} {
        adopt $child
    }
}

# The path of the child that `interp create` has made in the interpreter `path`, in a list. Tcl tells only the first of
# several traces what the result was; then it is the word of the command, or the youngest without one.
proc ::torch::_::created {command result path} {
    if {$result ne ""} {
        return [list $result]  ;# not by `expr`, which would take a name like 0x10 for a number
    }
    set options 1
    foreach word [lrange $command 2 end] {
        if {!$options || ![string match -* $word]} {
            return [list $word]
        }
        set options [expr {$word ne "--"}]
    }
    set numbered [lsearch -all -inline -regexp [interp slaves $path] {^interp\d+$}]
    return [lrange [lsort -dictionary $numbered] end end]
}

# Give a child what makes torch.tcl choose its parent's transport, and the way to torch.tcl.
proc ::torch::_::adopt {child} {
    variable source
    variable version
    variable commands
    # one that an interpreter has made whose commands are limited may run none, until it gets a limit of its own
    set limit [interp limit $child commands -value]
    interp limit $child commands -value {}
    interp eval $child [list namespace eval ::torch::_ [list variable commands $commands version $version]]
    foreach name {dispatch dispatch_bulk cancel_again} {
        interp alias $child ::torch::_::$name {} ::torch::_::$name
    }
    interp alias $child ::torch::_::tell_parent {} ::torch::_::interp_ran $child
    interp eval $child [list package ifneeded torch $version [list source -encoding utf-8 $source]]
    interp eval $child {
        trace add execution ::interp leave ::torch::_::tell_parent
        trace add command ::torch::_::tell_parent delete {apply {args {
            trace remove execution ::interp leave ::torch::_::tell_parent
        }}}
    }
    interp limit $child commands -value $limit
}

# In a safe interpreter the ensemble knows what its parent has aliased into ::torch, and nothing starts Python.
proc ::torch::_::begin_none {} {
    proc ::torch::_::no_subcommand {ensemble name args} {
        return -code error -errorcode [list TORCH UNSUPPORTED $name] "a safe interpreter has the commands of torch\
            that its parent gives it, and \"$name\" is none: interp alias SAFE ::torch::$name {} ::torch::$name"
    }
}
