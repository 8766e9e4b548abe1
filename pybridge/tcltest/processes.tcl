# Processes in which tcltest's `runAllTests` runs test files. It reads the totals that they print, and adds them to its
# own.

# The words of an `open` by tcltest. Where it opens a pipe, to a program that runs a test file, that is told to tell of
# its tests.
proc ::pytest_tcltest::opening {name args} {
    variable here
    variable plan_path
    variable runner
    if {[string match "| *" $name]} {
        set name [linsert $name 2 $here/driver.tcl $plan_path $runner]
    }
    return [list $name {*}$args]
}

# Note how a process ended that ran a test file. That it wrote to its standard error, which tcltest calls an error of
# the file, too, is none.
proc ::pytest_tcltest::ended_badly {path message code} {
    if {[lindex $code 0] in {CHILDSTATUS CHILDKILLED CHILDSUSP}} {
        emit process [file tail $path] $message [expr {[lindex $code 0] eq "CHILDSTATUS"}]
    }
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
            emit process [file tail $path] [dict get $options -errorinfo] 0
            puts stderr [dict get $options -errorinfo]
            exit 1
        }
    }
}
