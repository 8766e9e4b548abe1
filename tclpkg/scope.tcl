# The commands that take a script or a variable. Python only keeps the books: which scope is open, which handle
# belongs to which variable.

# Free what the body created, by whichever way it ends, except the handles in its result.
proc ::torch::_::scope {body} {
    variable opened
    set number [call _scope_begin]
    dict set opened $number [list [info coroutine] _scope_begin $number]
    guard number _scope_end
    catch {uplevel 1 $body} result options
    set kept {}
    if {[dict get $options -code] != 1} {
        set kept [tokens $result]
    }
    forget $number
    call _scope_end $number {*}$kept
    # -level counts from here: what the body meant for its caller is meant for ours
    dict incr options -level
    return -options $options $result
}

# Run a script in which no gradients are recorded; without one, record none from now on. The default is no script
# that anyone writes: with `args` in its place Tcl would not show `?script?` for a wrong number of words.
proc ::torch::_::no_grad {{script "\0"}} {
    if {$script eq "\0"} {
        return [call set_grad_enabled 0]
    }
    variable opened
    set number [call _no_grad_begin]
    dict set opened $number [list [info coroutine] _no_grad_begin $number]
    guard number _no_grad_end
    catch {uplevel 1 $script} result options
    forget $number
    call _no_grad_end $number
    dict incr options -level
    return -options $options $result
}

# A coroutine that is deleted unwinds its code past every `catch`, but still unsets its variables.
proc ::torch::_::guard {name end} {
    if {[info coroutine] ne ""} {
        upvar 1 $name number
        trace add variable number unset [list ::torch::_::finish ::torch::_::guarded_end $end $number]
    }
}

proc ::torch::_::guarded_end {end number args} {
    forget $number
    call $end $number
}

# Run a trace to its end. Tcl drops the error of any trace but a write trace, and with it a cancel that strikes
# there; it is asked for again.
proc ::torch::_::finish {args} {
    if {![catch {uplevel 1 $args} message options]} {
        return
    }
    if {[lindex $args end] ne "write" && [lrange [dict get $options -errorcode] 0 1] eq {TCL CANCEL}} {
        catch {uplevel 1 $args}
        cancel_again
        return
    }
    return -options $options $message
}

# Words of a value that may be handles. A number or a list of numbers is not turned into text to look.
proc ::torch::_::tokens {value} {
    if {![has_text $value]} {
        if {![catch {binary format d* $value}]} {
            return
        }
        if {![catch {llength $value} length] && $length > 1} {
            set found {}
            foreach element $value {
                lappend found {*}[tokens $element]
            }
            return $found
        }
    }
    return [regexp -all -inline {\m[a-z]\w*\d\M} $value]
}

# Give a variable of a procedure a handle that is freed when the variable is overwritten or goes away.
proc ::torch::_::local {name value} {
    regsub {\(.*\)$} $name "" base
    set existed [expr {$base in [uplevel 1 {::info vars}]}]
    if {$existed && $base ni [uplevel 1 {::info locals}]} {
        return -code error -errorcode {TORCH ARG VALUE name} [not_local $name]
    }
    set number [call _local_begin $value]
    upvar 1 $name variable
    if {[catch {set variable $value} message options]} {
        call _local_forget $value $number
        return -options $options $message
    }
    if {!$existed && $base ni [uplevel 1 {::info locals}]} {
        unset variable
        call _local_forget $value $number
        return -code error -errorcode {TORCH ARG VALUE name} [not_local $name]
    }
    trace add variable variable {write unset} [list ::torch::_::finish ::torch::_::local_changed $value $number]
    return $value
}

proc ::torch::_::not_local {name} {
    return "torch::local needs a local variable of a procedure but got \"$name\""
}

proc ::torch::_::local_changed {handle number name element operation} {
    upvar 1 $name variable
    if {$operation eq "write"} {
        upvar 0 [expr {$element eq "" ? "variable" : "variable($element)"}] value
        if {$value eq $handle} {
            return
        }
        trace remove variable value {write unset} [list ::torch::_::finish ::torch::_::local_changed $handle $number]
    }
    call _local_end $handle $number
}

# Tell of a wait or a coroutine that begins. An error of a trace keeps it from beginning.
proc ::torch::_::begin_in_scope {key args} {
    variable opened
    dict set opened $key [list [info coroutine] {*}$args]
    if {[catch {call {*}$args} message options]} {
        dict unset opened $key
        return -options $options $message
    }
}

# What the event loop runs is no part of the code that waits for it, and creates into none of its scopes. Where no
# scope is open there is nothing to tell.
proc ::torch::_::wait_changed {command args} {
    variable opened
    variable waits
    if {[lindex $args end] eq "enter"} {
        if {[set told [dict size $opened]]} {
            begin_in_scope [list wait [expr {[llength $waits] + 1}]] _wait_begin
        }
        lappend waits $told
    } else {
        set told [lindex $waits end]
        dict unset opened [list wait [llength $waits]]
        set waits [lrange $waits 0 end-1]
        if {$told ne "" && $told} {
            call _wait_end
        }
    }
}

# A coroutine belongs to the scope in which it is started, whatever it is called later.
proc ::torch::_::coroutine_starts {command args} {
    variable opened
    set name [regsub -all {:::+} [lindex $command 1] ::]
    if {![string match ::* $name]} {
        set namespace [uplevel 1 {::namespace current}]
        set name [expr {$namespace eq "::" ? "::$name" : "${namespace}::$name"}]
    }
    if {[lindex $args end] eq "enter"} {
        if {[dict size $opened]} {
            begin_in_scope [list coroutine $name] _coroutine_begin $name
        }
    } elseif {[llength [info commands $name]]} {
        trace add command $name {rename delete} {::torch::_::finish ::torch::_::coroutine_changed}
    } else {
        dict unset opened [list coroutine $name]
    }
}

proc ::torch::_::coroutine_changed {old new operation} {
    variable opened
    if {$operation eq "delete"} {
        dict unset opened [list coroutine $old]
    } elseif {[dict size $opened]} {
        set renamed {}
        foreach words $opened {  ;# keys and what has begun alike
            lappend renamed [lmap word $words {expr {$word eq $old ? $new : $word}}]
        }
        set opened $renamed
        call _coroutine_renamed $old $new
    }
}

# A scope or a no_grad body has ended. Coroutines that have begun in it belong to nothing any more.
proc ::torch::_::forget {number} {
    variable opened
    dict unset opened $number
    foreach key [dict keys $opened] {
        if {[lindex $key 0] ne "coroutine"} {
            return
        }
        dict unset opened $key
    }
}

# Tell a worker that has begun in the place of another what is open. What is made from now on belongs to it.
proc ::torch::_::open_again {connection} {
    variable opened
    foreach begun [dict values $opened] {
        tell $connection [encoded [list !in {*}$begun]]
    }
}

# The procedures live here, and not in ::torch, where commands may be called `trace`, `set` or `info`.
proc ::torch::_::begin_scopes {} {
    # What has begun and not ended, in order: scopes and no_grad bodies by their numbers, waits and coroutines in them.
    # A cancel may leave what has ended; never is something missing.
    variable opened {}
    variable waits {}
    foreach {name target} {scope scope local local no_grad no_grad noGrad no_grad} {
        interp alias {} ::torch::$name {} ::torch::_::$target
    }
    trace add execution ::vwait {enter leave} ::torch::_::wait_changed
    trace add execution ::update {enter leave} ::torch::_::wait_changed
    trace add execution ::coroutine {enter leave} ::torch::_::coroutine_starts
    at_end {args {
        trace remove execution ::vwait {enter leave} ::torch::_::wait_changed
        trace remove execution ::update {enter leave} ::torch::_::wait_changed
        trace remove execution ::coroutine {enter leave} ::torch::_::coroutine_starts
    }}
}
