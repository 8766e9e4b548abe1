# Calls into the dispatcher. Every command of ::torch that takes no script is an alias to `call` or `call_bulk`.

# Run the command registered under the first word. An error is raised here with `return`, so that errorInfo
# shows the user's own line and not this procedure.
proc ::torch::_::call {args} {
    lassign [dispatch [info coroutine] {*}$args] status value options
    if {$status == 0} {
        return $value
    }
    if {$status == 2} {
        return [unpack {*}$value]
    }
    if {$status == 3} {
        lassign [show_picture {*}$value] status value options
        if {$status == 0} {
            return $value
        }
    }
    return -code error {*}$options $value
}

# The same for a command with a parameter of bulk numbers; `where` tells the parameter's position and options.
proc ::torch::_::call_bulk {where name args} {
    lassign [send_bulk [bulk_index $where $args] [info coroutine] $name $args] status value options
    if {$status == 0} {
        return $value
    }
    if {$status == 2} {
        return [unpack {*}$value]
    }
    return -code error {*}$options $value
}

# `torch nmae`: an error that does not list all the commands, but suggests one.
proc ::torch::_::no_subcommand {ensemble name args} {
    call _no_subcommand $name
}

# The dispatcher's reply to words of which one travels as bytes, where it can be packed.
proc ::torch::_::send_bulk {index chain name words} {
    if {$index < 0 || [set packed [pack [lindex $words $index]]] eq ""} {
        return [dispatch $chain $name {*}$words]
    }
    lassign $packed format shape bytes
    lset words $index ""
    dispatch_bulk $bytes $index $format $shape $chain $name {*}$words
}

# Which word is the bulk one: the value of one of its options, or the word at its position; -1 when none is.
proc ::torch::_::bulk_index {where words} {
    set options [lassign $where position]
    set place 0
    for {set i 0} {$i < [llength $words]} {incr i} {
        set word [lindex $words $i]
        if {[is_number $word] || ![has_text $word]} {
            # computed: a value, and its text is better not made
        } elseif {$word eq "--"} {
            set i [expr {$i + 1 + $position - $place}]
            return [expr {$i < [llength $words] ? $i : -1}]
        } elseif {[regexp {^-[A-Za-z]\w*$} $word] && ![regexp -nocase {^-(inf|infinity|nan)$} $word]} {
            incr i
            if {$word in $options} {
                return [expr {$i < [llength $words] ? $i : -1}]
            }
            continue
        }
        if {$place == $position} {
            return $i
        }
        incr place
    }
    return -1
}
