# Calls into the dispatcher.

# Make a procedure that gives its caller what is in a reply: status, value, options. An error is raised with `return`,
# so that errorInfo shows the user's own line and not this one. Names of Tcl's are whole, because ::torch has an `info`
# of its own.
proc ::torch::_::give {name parameters reply} {
    proc $name $parameters [string cat {
        ::lassign [} $reply {] status value options
        ::if {$status == 0} {
            ::return $value
        }
        ::if {$status > 1} {
            ::lassign [::torch::_::settle $status $value] status value options
        }
        ::if {$status} {
            ::append value [::torch::_::meant_variable $value $options $args]
        }
        ::return -code [::expr {$status ? "error" : "ok"}] {*}$options $value
    }]
}

# Run the command registered under the first word.
::torch::_::give ::torch::_::call args {::torch::_::dispatch [::info coroutine] {*}$args}

# The same for a command with a parameter of bulk numbers; `where` tells the parameter's position and options.
::torch::_::give ::torch::_::call_bulk {where name args} {
    ::torch::_::send_bulk [::torch::_::bulk_index $where $args] [::info coroutine] $name $args
}

# The words that a call of the dispatcher begins with, and that of a command on files; a chain of calls and the words of
# a command follow.
namespace eval ::torch::_ {
    variable ask ::torch::_::dispatch
    variable ask_in_folder ::torch::_::dispatch
}

# These words for the command of a name.
proc ::torch::_::way_of {name} {
    variable ask
    variable ask_in_folder
    variable on_files
    return [expr {[dict exists $on_files $name] ? $ask_in_folder : $ask}]
}

# The reply that a reply with bytes in it stands for.
proc ::torch::_::settle {status value} {
    if {$status == 2} {
        return [list 0 [unpack {*}$value] {}]
    }
    return [show_picture {*}$value]
}

# What ends the message on a word that is the name of a variable where the command is called: of one with a live handle
# in place of a handle, and of one without in place of another value.
proc ::torch::_::meant_variable {message options words} {
    lassign [lindex $options 1] torch kind name
    set live [expr {$kind eq "HANDLE"}]
    set place ""
    if {!$live && ![regexp {^expected .* but got "(\w+)"( at index 0)? for [-\w]+$} $message -> name place]
        || ![regexp {^\w+$} $name] || ($place ne "" && ![is_a_word $name $words])} {
        return
    }
    if {[catch {
        upvar 2 $name value
        # nothing of the user's is to run: no trace, and no `unknown` where there is no `trace`
        set known [expr {[info commands ::trace] ne "" && [info procs ::trace] eq ""}]
        expr {$known && ![llength [trace info variable value]] && [info exists value] && ![array exists value]
            && [is_live $value] == $live}
    } meant failure]} {
        if {[lrange [dict get $failure -errorcode] 0 1] eq {TCL CANCEL}} {
            return -options $failure $meant
        }
        return
    }
    return [expr {$meant ? " (did you mean \$$name?)" : ""}]
}

# Whether a name is one of these words as a whole. A list of a million numbers is better not made text for that.
proc ::torch::_::is_a_word {name words} {
    foreach word $words {
        if {![catch {llength $word} length] && $length == 1 && $word eq $name} {
            return 1
        }
    }
    return 0
}

proc ::torch::_::is_live {value} {
    return [expr {[regexp {^[a-z_]+\d+$} $value] && [call handles $value] eq $value}]
}

# `torch info`, which is not exported, and of which the ensemble does not know.
proc ::torch::_::no_subcommand {ensemble name args} {
    if {[string match {[a-zA-Z]*} $name] && [namespace which -command ::torch::$name] ne ""} {
        return [list ::torch::$name]
    }
    unknown_subcommand $name
}

# `torch nmae`: an error that does not list all the commands, but suggests one.
proc ::torch::_::unknown_subcommand {name} {
    call _no_subcommand $name
}

# The dispatcher's reply to words of which one travels as bytes, where it can be packed.
proc ::torch::_::send_bulk {index chain name words} {
    if {$index < 0 || [set packed [pack [lindex $words $index]]] eq ""} {
        return [{*}[way_of $name] $chain $name {*}$words]
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
