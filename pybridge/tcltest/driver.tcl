# Sources the test files of a plan, written by process.py, which is its argument: where one process is to run them all, and
# where main_script.tcl cannot begin. With more arguments, it is a file that `runAllTests` runs, as processes.tcl has it.

namespace eval ::pytest_tcltest {
    variable here [file dirname [file normalize [info script]]]
    variable queue     ;# folder and name of each file that is still to be sourced
    variable command   ;# the command that sources the next one
    variable message   ;# what it returns, and with which options
    variable options
}
source -encoding utf-8 [file join $::pytest_tcltest::here beginning.tcl]

proc ::pytest_tcltest::begin_driver {path args} {
    variable queue [begin_process $path]
    interp debug {} -frame 1 ;# or Tcl would not know where the words of commands stand: `source` compiles a script
    if {![llength $args]} {
        set_arguments ;# the set-up script may load tcltest, which reads them
        set_up_process
        return
    }
    set ::argv [lassign [lrange $args 1 end] ::argv0]
    set ::argc [llength $::argv]
    begin_for_another [lindex $args 0] $::argv0
    set queue [list [list [pwd] $::argv0]]
}

proc ::pytest_tcltest::set_arguments {} {
    variable plan
    set ::argv $plan(argv)
    set ::argc [llength $plan(argv)]
}

# Have the command for the next file in `command`, and its surroundings ready; whether there is one.
proc ::pytest_tcltest::next_file {} {
    variable queue
    variable command
    variable totals
    if {![llength $queue]} {
        return 0
    }
    set queue [lassign $queue file]
    lassign $file folder name
    if {$totals ne "handed"} {
        enter_next_file $folder $name
    }
    set command [sourcing $name]
    return 1
}

# Be where a test file expects to be, whatever the last one has changed.
proc ::pytest_tcltest::enter_next_file {folder name} {
    variable number
    variable encoding
    if {$number && [lost_tcltest]} {
        exit 0 ;# pytest starts another process for the files that are left
    }
    in_writer encoding system $encoding
    cd $folder
    if {[info exists ::env(PWD)]} {
        set ::env(PWD) $folder
    }
    set ::argv0 $name
    set_arguments
    enter_file $folder $name
}

# Whether a file has taken away the tcltest that tells of tests, or what it counts in.
proc ::pytest_tcltest::lost_tcltest {} {
    variable instrumented
    if {![info exists instrumented]} {
        return 0
    }
    return [expr {[namespace which ::tcltest::pytest_Skipped] eq "" || ![counts_intact]}]
}

proc ::pytest_tcltest::file_ended {code} {
    variable message
    variable options
    variable totals
    variable number
    variable queue
    if {$totals eq "handed"} {
        if {$code} {
            end_with_fault {*}[fault $code $message $options]
        }
        return
    }
    incr number
    if {!$code} {
        end_file
        emit_end sourced
        return
    }
    emit died {*}[fault $code $message $options]
    if {![llength $queue]} {
        uplevel #0 {exit 1} ;# as tclsh does: with Tk, the process would wait for its window to be closed
    }
}

::pytest_tcltest::begin_driver {*}$::argv
# at the top level, where tclsh evaluates its script
while {[::pytest_tcltest::next_file]} {
    ::pytest_tcltest::file_ended [catch $::pytest_tcltest::command ::pytest_tcltest::message ::pytest_tcltest::options]
}
