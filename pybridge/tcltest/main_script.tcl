# Has an interpreter tell of the script that it runs itself, as `tclsh file.test` does: nothing of ours is on any level
# then. It reads this in place of Tcl's own init.tcl, which comes after it. When it then sets `tcl_rcFileName`, as tclsh
# does just before its script, all is made ready. main_script.py has set the variables `here`, `plan_path`, and
# `named`: the variable of the environment that says where Tcl's library is, and its value, or nothing.

namespace eval ::pytest_tcltest {
    variable runs_itself 0 ;# whether the script of the process is a file of the plan, and runs
    if {[info exists ::env(PYTEST_TCLTEST)]} { # of processes.tcl: the environment is that of the suite
        lassign $::env(PYTEST_TCLTEST) runner named
        unset ::env(PYTEST_TCLTEST)
    }
}

trace add variable ::tcl_rcFileName write ::pytest_tcltest::begin_main_script

proc ::pytest_tcltest::begin_main_script {args} {
    variable plan_path
    trace remove variable ::tcl_rcFileName write ::pytest_tcltest::begin_main_script
    restore_environment
    if {$plan_path eq ""} { # it was only asked whether the interpreter comes here
        variable came 1
        return
    }
    if {[catch prepare_main_script message options]} { # a trace's error is told to nobody
        puts stderr [dict get $options -errorinfo]
        exit 1
    }
}

proc ::pytest_tcltest::restore_environment {} {
    variable named
    unset ::env(TCL_LIBRARY)
    array set ::env $named
    unset -nocomplain ::errorInfo ::errorCode ;# of the search for init.tcl
}

proc ::pytest_tcltest::prepare_main_script {} {
    variable plan_path
    variable runner
    variable runs_itself
    source -encoding utf-8 [file join $::pytest_tcltest::here beginning.tcl]
    set files [begin_process $plan_path]
    if {[info exists runner]} {
        begin_for_another $runner $::argv0
    } else {
        set_up_process
        enter_file {*}[lindex $files 0]
    }
    set runs_itself 1
}

# Whether the script has ended when something calls `exit`: tclsh itself does then, and that is the lowest level.
proc ::pytest_tcltest::main_script_ends {} {
    variable runs_itself
    if {!$runs_itself || [dict get [info frame 1] type] eq "source"} {
        return 0
    }
    set runs_itself 0
    set trace [printed_trace]
    if {$trace eq ""} {
        main_script_ended
    } else {
        main_script_died $trace
    }
    return 1
}

# The trace of the error that has ended the script: tclsh has printed it last. With Tk, an event may call `exit 1`, too.
proc ::pytest_tcltest::printed_trace {} {
    variable plan
    if {[dict get [info frame 1] cmd] ne "exit 1" || ![info exists ::errorInfo]} {
        return ""
    }
    variable printed_length
    if {[catch {::tcl::chan::flush stderr; fconfigure stderr -encoding} encoding]} {
        return "" ;# a suite has closed it
    }
    set printed_length [in_writer ends_with $plan(stderr) $encoding $::errorInfo\n]
    return [expr {$printed_length ? $::errorInfo : ""}]
}

proc ::pytest_tcltest::main_script_ended {} {
    variable totals
    if {$totals ne "handed"} {
        end_file
        emit_end sourced
    }
}

proc ::pytest_tcltest::main_script_died {trace} {
    variable totals
    variable printed_length
    if {$totals eq "handed"} {
        emit process [file tail $::argv0] $trace 0
    } else {
        emit died [message_of $trace] $trace [expr {[lindex [written] 1] - $printed_length}]
    }
}

# What an error's trace begins with.
proc ::pytest_tcltest::message_of {trace} {
    regexp -indices {\n    (while executing|invoked from within|\()} $trace place
    return [string range $trace 0 [expr {[info exists place] ? [lindex $place 0] - 1 : "end"}]]
}

set ::tcl_library [lindex $::pytest_tcltest::named 1]
if {$::tcl_library eq ""} {
    error "Tcl's own init.tcl is elsewhere" ;# where it is looked for next
}
if {[file isdirectory [file join $::tcl_library encoding]]} { # Tcl looks there after its own program, before elsewhere
    encoding dirs [linsert [encoding dirs] [llength [lsearch -all [encoding dirs] //zipfs:*]] \
        [file join $::tcl_library encoding]]
}
source [file join $::tcl_library init.tcl]
