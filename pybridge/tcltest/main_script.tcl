# Has an interpreter tell of the script that it runs itself, as `tclsh file.test` does: nothing of ours is on any level
# then. It reads this in place of Tcl's own init.tcl, which comes after it, and when it names the file that is run before
# commands are typed, all is ready for the script. process.py has set the variables `here`, `plan_path` and `library`.

namespace eval ::pytest_tcltest {
    variable runs_itself 0 ;# whether the script of the process is a file of the plan, and runs
}

trace add variable ::tcl_rcFileName write ::pytest_tcltest::begin_main_script

proc ::pytest_tcltest::begin_main_script {args} {
    variable library
    variable plan_path
    variable runs_itself
    trace remove variable ::tcl_rcFileName write ::pytest_tcltest::begin_main_script
    unset -nocomplain ::errorInfo ::errorCode ;# of the search for init.tcl
    if {$library eq ""} {
        unset ::env(TCL_LIBRARY)
    } else {
        set ::env(TCL_LIBRARY) $library
    }
    source -encoding utf-8 [file join $::pytest_tcltest::here beginning.tcl]
    set files [begin $plan_path]
    if {[info exists ::env(PYTEST_TCLTEST)]} {
        set settings $::env(PYTEST_TCLTEST)
        unset ::env(PYTEST_TCLTEST)
        begin_for_another $settings $::argv0
    } else {
        set_up_process
        enter_file {*}[lindex $files 0]
    }
    set runs_itself 1
}

# Whether the script has ended when something calls `exit`: tclsh itself does then, and that is the lowest level.
proc ::pytest_tcltest::main_script_ends {} {
    variable runs_itself
    set lowest [info frame 1]
    if {!$runs_itself || [dict get $lowest type] eq "source"} {
        return 0
    }
    set runs_itself 0
    if {[dict get $lowest cmd] eq "exit 1"} {
        set trace [expr {[info exists ::errorInfo] ? $::errorInfo : ""}]
        main_script_died [message_of $trace] $trace
    } else {
        main_script_ended
    }
    return 1
}

# What an error's trace begins with.
proc ::pytest_tcltest::message_of {trace} {
    regexp -indices {\n    (while executing|invoked from within|\()} $trace place
    return [string range $trace 0 [expr {[info exists place] ? [lindex $place 0] - 1 : "end"}]]
}

proc ::pytest_tcltest::main_script_ended {} {
    variable totals
    if {$totals eq "handed"} {
        return
    }
    end_file
    emit sourced
}

proc ::pytest_tcltest::main_script_died {message trace} {
    variable totals
    if {$totals eq "handed"} {
        tell_of_fault $message $trace
        return
    }
    emit died $message $trace
}

if {$::pytest_tcltest::library eq ""} {
    error "Tcl's own init.tcl is elsewhere" ;# where it is looked for next
}
set ::tcl_library $::pytest_tcltest::library
source [file join $::tcl_library init.tcl]
