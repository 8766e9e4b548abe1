# What a process has to do before, between and after test files that tells pytest what happens in them. All this is plain
# Tcl 8.6 or later, so that any interpreter can run it.

source -encoding utf-8 [file join $::pytest_tcltest::here interpreter.tcl]
source -encoding utf-8 [file join $::pytest_tcltest::here writer.tcl]

# Read the plan, and be ready for a tcltest. Returns the test files.
proc ::pytest_tcltest::begin_process {path} {
    variable plan
    variable plan_path $path
    variable process [pid]
    variable encoding [encoding system]
    variable prepared 1
    set files [read_plan]
    variable mode $plan(mode)
    foreach script [lrange [scripts] 2 end] {
        uplevel #0 [list source -encoding utf-8 $script]
    }
    return $files
}

# Begin as a process does that runs the plan's files.
proc ::pytest_tcltest::set_up_process {} {
    variable plan
    catch {fconfigure stdout -buffering line}
    watch
    if {$plan(setup) ne ""} {
        emit setup
        run_setup setup_died
    }
}

proc ::pytest_tcltest::setup_died {message trace} {
    emit setup_died $message $trace
    exit 1
}

# Run the set-up script, and have all be again as a test file expects it. What is called if it fails gets message and
# trace, and ends the process.
proc ::pytest_tcltest::run_setup {failed} {
    variable plan
    variable encoding
    set folder [pwd]
    set arguments [list $::argv0 $::argv $::argc]
    set code [catch {uplevel #0 [sourcing $plan(setup)]} message options]
    if {$code} {
        $failed {*}[fault $code $message $options]
    }
    in_writer encoding system $encoding
    cd $folder
    lassign $arguments ::argv0 ::argv ::argc
}

# The command that sources a script as the interpreter does that runs it.
proc ::pytest_tcltest::sourcing {path} {
    variable plan
    return [list source {*}[expr {$plan(utf8) ? "-encoding utf-8" : ""}] $path]
}

# Tell that a test file begins.
proc ::pytest_tcltest::enter_file {folder name} {
    variable number
    variable made
    array unset made
    variable file [file normalize [file join $folder $name]]
    variable files [list $file]
    emit file $number {*}[written]
    begin_file
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
