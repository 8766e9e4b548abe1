# Processes in which tcltest's `runAllTests` runs test files. It reads the totals that they print, and adds them to its
# own.

# The path of a program that runs a test file as `program` does, and tells of its tests.
proc ::pytest_tcltest::shell {program} {
    variable here
    variable plan
    variable plan_path
    set words [list $program $here/driver.tcl $plan_path [settings [new_name all]]]
    set quoted [lmap word $words {string cat ' [string map {' '\\''} $word] '}]
    set channel [file tempfile path [file dirname $plan(events)]/shell]
    puts $channel "#!/bin/sh\nexec [join $quoted] \"\$@\""
    close $channel
    file attributes $path -permissions 0700
    return $path
}

# In such a process: source a file as tclsh does with a script.
proc ::pytest_tcltest::run_for_another {settings path words} {
    variable plan
    variable number
    variable prefix
    variable thread
    variable files
    eval $settings
    if {[file normalize $path] in $files} {
        emit died "runAllTests would run [file tail $path] again and again, which calls it" ""
        exit 1
    }
    lappend files [file normalize $path]
    variable file "" ;# the tests do not stand in the test file
    append prefix [file tail $path]::
    set thread [list $number $prefix]
    variable totals handed
    set ::argv0 $path
    set ::argv $words
    set ::argc [llength $words]
    watch
    foreach script [list {*}[expr {$plan(setup) eq "" ? "" : [list $plan(setup)]}] $path] {
        if {[catch {source_as_tclsh $script} message options] == 1} {
            puts stderr [dict get $options -errorinfo]
            exit 1
        }
    }
}
