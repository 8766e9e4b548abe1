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
    return -code error {*}$options $value
}

# The same for a command with a parameter of bulk numbers; `where` tells the parameter's position and options.
proc ::torch::_::call_bulk {where name args} {
    variable payload
    set index [bulk_index $where $args]
    if {$index < 0 || [set packed [pack [lindex $args $index]]] eq ""} {
        tailcall call $name {*}$args
    }
    lassign $packed format shape payload
    lset args $index ""
    lassign [dispatch_bulk $index $format $shape [info coroutine] $name {*}$args] status value options
    if {$status == 0} {
        return $value
    }
    return -code error {*}$options $value
}

# Which word is the bulk one: the value of one of its options, or the word at its position; -1 when none is.
proc ::torch::_::bulk_index {where words} {
    set options [lassign $where position]
    set place 0
    for {set i 0} {$i < [llength $words]} {incr i} {
        set word [lindex $words $i]
        if {![is_single $word]} {
            # a list of several elements is a value
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

# Whether the word is something else than a list of several elements; asks a list without making its text.
proc ::torch::_::is_single {word} {
    return [expr {[catch {llength $word} length] || $length == 1}]
}
