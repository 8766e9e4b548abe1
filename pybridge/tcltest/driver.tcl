# Sources test files in this process as tclsh would, and tells pytest what happens in them. The argument is the plan,
# written by process.py; more are those of processes.tcl. All this is plain Tcl 8.6 or later, so that any interpreter can
# run it.

source -encoding utf-8 [file join [file dirname [file normalize [info script]]] interpreter.tcl]
set ::pytest_tcltest::here [file dirname [file normalize [info script]]]

namespace eval ::pytest_tcltest {
    variable queue      ;# of each script that is still to be sourced its path, and what to call before and after it
    variable when_ended ;# what to call after the one that is sourced
    variable script     ;# the words that `source` gets
    variable message    ;# what it returns, and with which options
    variable options
    variable below 0    ;# how many levels of `info frame` there are below the script
    variable knows_places 0 ;# whether Tcl knows where the words of its commands stand
    variable starting 0 ;# whether the next `source` is the driver's
    variable traced {}  ;# the commands that are not compiled into its script
    variable compiled 0 ;# whether that is compiled when the next of them is called
}

proc ::pytest_tcltest::set_arguments {} {
    variable plan
    set ::argv $plan(argv)
    set ::argc [llength $plan(argv)]
}

# Whether a file has taken away the tcltest that tells of tests, or what it counts in.
proc ::pytest_tcltest::lost_tcltest {} {
    variable instrumented
    if {![info exists instrumented]} {
        return 0
    }
    return [expr {[namespace which ::tcltest::pytest_Skipped] eq "" || ![counts_intact]}]
}

# Queue the scripts of the plan; with more words, those of a file that `runAllTests` runs.
proc ::pytest_tcltest::queue_scripts {path args} {
    variable plan
    variable plan_path $path
    variable encoding [encoding system]
    variable prepared 1
    variable queue {}
    set files [read_plan]
    variable mode $plan(mode)
    foreach script [lrange [scripts] 1 end] {
        uplevel #0 [list source -encoding utf-8 $script]
    }
    leave_out_levels
    trace add execution ::source enter [tolerant source_as_tclsh] ;# before other traces, to be called after them
    if {[llength $args]} {
        queue_for_another {*}$args
        return
    }
    catch {fconfigure stdout -buffering line}
    set_arguments ;# the set-up script may load tcltest, which reads them
    watch
    if {$plan(setup) ne ""} {
        lappend queue [list $plan(setup) {emit setup} setup_ended]
    }
    foreach file $files {
        lassign $file folder name
        lappend queue [list $name [list enter_file $folder $name] file_ended]
    }
}

# Have Tcl know where the words of commands stand, as it does in tclsh, which does not compile its script as `source`
# does. This cannot be undone, so a file that asks for it, or looks whether it is so, finds it as in tclsh. It takes a
# time that grows with the square of the number of commands, half a second for those of this many lines.
proc ::pytest_tcltest::know_places {path} {
    variable knows_places [expr {![asks_for_places $path] && [in_writer mentions $path {^[^\s#\}]}] <= 10000}]
    if {$knows_places} {
        interp debug {} -frame 1
    }
}

proc ::pytest_tcltest::asks_for_places {path} {
    tailcall in_writer mentions $path {\yinterp\s+debug\s+\{\}}
}

# Whether the files before have left an interpreter in which a file cannot be run.
proc ::pytest_tcltest::spoilt {path} {
    return [expr {[lost_tcltest] || ([asks_for_places $path] && [interp debug {} -frame])}]
}

# Have the next script in `script`, and its surroundings ready; whether there is one.
proc ::pytest_tcltest::next_script {} {
    variable plan
    variable queue
    variable when_ended
    variable script
    if {![llength $queue]} {
        return 0
    }
    set queue [lassign $queue next]
    lassign $next path before when_ended
    set script [list {*}[expr {$plan(utf8) ? "-encoding utf-8" : ""}] $path]
    {*}$before
    return 1
}

proc ::pytest_tcltest::script_ended {code} {
    variable when_ended
    variable message
    variable options
    {*}$when_ended $code $message $options
}

proc ::pytest_tcltest::setup_ended {code message options} {
    if {$code} {
        emit setup_died {*}[fault $code $message $options]
        exit 1
    }
}

# Be where a test file expects to be, and tell that it begins.
proc ::pytest_tcltest::enter_file {folder name} {
    variable number
    variable made
    variable encoding
    array unset made
    in_writer encoding system $encoding
    variable file [file normalize [file join $folder $name]]
    variable files [list $file]
    if {$number && [spoilt $file]} {
        exit 0 ;# pytest starts another process for the files that are left
    }
    cd $folder
    know_places $name
    set ::argv0 $name
    set_arguments
    emit file $number {*}[written]
    begin_file
}

proc ::pytest_tcltest::file_ended {code message options} {
    variable number
    variable queue
    incr number
    if {!$code} {
        end_file
        emit sourced
        return
    }
    emit died {*}[fault $code $message $options]
    if {![llength $queue]} {
        uplevel #0 {exit 1} ;# as tclsh does: with Tk, the process would wait for its window to be closed
    }
}

# Message and trace of what has ended a script. Where it is no error, the message is tclsh's. `source` itself makes a
# plain `return` at the script's top the end of it, so one that comes through was to leave more than the script.
proc ::pytest_tcltest::fault {code message options} {
    switch $code {
        1 {return [list $message [dict get $options -errorinfo]]}
        3 {return [list {invoked "break" outside of a loop} ""]}
        4 {return [list {invoked "continue" outside of a loop} ""]}
        default {return [list "command returned bad code: $code" ""]}
    }
}

# Have `info frame` leave out the levels below the script: there are none below a script that tclsh runs. What it tells of
# the others is that of Tcl's own command, which comes in the place of this procedure.
proc ::pytest_tcltest::leave_out_levels {} {
    rename ::tcl::info::frame ::pytest_tcltest::frame
    proc ::tcl::info::frame {{number "no number"}} {
        set level [::pytest_tcltest::frame] ;# by itself: an `expr` that has a trace is not compiled, and is on a level
        set below $::pytest_tcltest::below
        set level [expr {$level - $below - 1}] ;# one is this procedure's
        if {$number eq "no number"} {
            return $level
        }
        if {[catch {::pytest_tcltest::frame $number} message options]} { # it is none, or too large for one
            return -code error -errorcode [dict get $options -errorcode] $message
        }
        if {$number > $level || $number <= -$level} {
            return -code error -errorcode [list TCL LOOKUP LEVEL $number] "bad level \"$number\""
        }
        if {$number > 0} {
            incr number $below
        }
        tailcall ::pytest_tcltest::frame $number
    }
}

# Called just before the driver calls `source`. A procedure, which is never compiled in line, is on no level of its own.
proc ::pytest_tcltest::start_script {} {
    variable below [::pytest_tcltest::frame]
    variable starting 1
    incr below -1 ;# this procedure's
}

# Have the script that the driver sources be compiled to calls of its commands alone: tclsh evaluates its script, and the
# body of an `if` in it is on a level of its own. Tcl compiles no command in line that has a trace, until one of them is
# called: by then the whole script has been compiled. What it sources first is compiled as in tclsh.
proc ::pytest_tcltest::source_as_tclsh {args} {
    variable starting
    variable knows_places
    variable traced
    variable compiled
    if {!$starting} {
        compile_in_line
        return
    }
    set starting 0
    if {!$knows_places} {
        return ;# nor would it know where such a body stands
    }
    foreach command [info commands {::[A-Za-z]*}] {
        if {$command ne "::source"} { # which the driver is about to call
            lappend traced $command
            trace add execution $command enter ::pytest_tcltest::compile_in_line
        }
    }
    set compiled 1
}

proc ::pytest_tcltest::compile_in_line {args} {
    variable traced
    variable compiled
    if {$compiled} {
        set compiled 0
        foreach command $traced {
            trace remove execution $command enter ::pytest_tcltest::compile_in_line
        }
        set traced {}
    }
}

::pytest_tcltest::queue_scripts {*}$::argv
# at the top level, where tclsh sources its script
while {[::pytest_tcltest::next_script]} {
    ::pytest_tcltest::script_ended [catch {
        ::pytest_tcltest::start_script
        source {*}$::pytest_tcltest::script
    } ::pytest_tcltest::message ::pytest_tcltest::options]
}
