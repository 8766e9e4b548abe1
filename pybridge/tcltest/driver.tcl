# Sources the test files of a plan, written by process.py, which is its argument: where one process is to run them all, and
# where the interpreter does not read main_script.tcl. More arguments are those of processes.tcl.

namespace eval ::pytest_tcltest {
    variable here [file dirname [file normalize [info script]]]
    variable queue       ;# of each script that is still to be sourced its path, and what to call before and after it
    variable when_ended  ;# what to call after the one that is sourced
    variable script      ;# the words that `source` gets
    variable message     ;# what it returns, and with which options
    variable options
}
source -encoding utf-8 [file join $::pytest_tcltest::here beginning.tcl]

# Whether a file has taken away the tcltest that tells of tests, or what it counts in.
proc ::pytest_tcltest::lost_tcltest {} {
    variable instrumented
    if {![info exists instrumented]} {
        return 0
    }
    return [expr {[namespace which ::tcltest::pytest_Skipped] eq "" || ![counts_intact]}]
}

# Queue the files of the plan; with more words, that which `runAllTests` runs.
proc ::pytest_tcltest::queue_files {path {settings ""} args} {
    variable queue {}
    set files [begin $path]
    interp debug {} -frame 1 ;# or Tcl would not know where the words of commands stand: `source` compiles a script
    if {$settings eq ""} {
        set_arguments ;# the set-up script may load tcltest, which reads them
        set_up_process
        foreach file $files {
            lassign $file folder name
            lappend queue [list $name [list enter_next_file $folder $name] file_ended]
        }
    } else {
        set ::argv [lassign $args ::argv0]
        set ::argc [llength $::argv]
        begin_for_another $settings $::argv0
        lappend queue [list $::argv0 list ended_for_another]
    }
}

# Have the next script in `script`, and its surroundings ready; whether there is one.
proc ::pytest_tcltest::next_script {} {
    variable queue
    variable when_ended
    variable script
    if {![llength $queue]} {
        return 0
    }
    set queue [lassign $queue next]
    lassign $next path before when_ended
    set script [lrange [sourcing $path] 1 end]
    {*}$before
    return 1
}

proc ::pytest_tcltest::script_ended {code} {
    variable when_ended
    variable message
    variable options
    {*}$when_ended $code $message $options
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
    set ::argv0 $name
    set_arguments
    enter_file $folder $name
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

proc ::pytest_tcltest::ended_for_another {code message options} {
    if {$code} {
        end_with_fault {*}[fault $code $message $options]
    }
}

::pytest_tcltest::queue_files {*}$::argv
# at the top level, where tclsh sources its script
while {[::pytest_tcltest::next_script]} {
    ::pytest_tcltest::script_ended [catch {
        source {*}$::pytest_tcltest::script
    } ::pytest_tcltest::message ::pytest_tcltest::options]
}
