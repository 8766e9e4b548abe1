# Processes in which tcltest's `runAllTests` runs test files. It reads the totals that they print, and adds them to its
# own.

# Have `runAllTests` open and close its pipes by ours. A namespace with tcltest in its path finds these commands, too:
# only `runAllTests` has a variable `childargv`.
proc ::pytest_tcltest::watch_processes {} {
    proc ::tcltest::open {args} {
        upvar 1 childargv childargv
        if {[info exists childargv] && ![::pytest_tcltest::silent]} {
            set args [::pytest_tcltest::opening {*}$args]
        }
        tailcall ::open {*}$args
    }
    proc ::tcltest::close {args} {
        upvar 1 childargv childargv file file
        if {[catch {::close {*}$args} result options] && [info exists childargv] && ![::pytest_tcltest::silent]} {
            ::pytest_tcltest::ended_badly $file $result [dict get $options -errorcode]
        }
        return -options $options $result
    }
}

# The words that open a pipe to a program that runs a test file and tells of its tests.
proc ::pytest_tcltest::opening {pipeline args} {
    variable here
    variable plan_path
    variable runner
    return [list [linsert $pipeline 2 $here/driver.tcl $plan_path $runner] {*}$args]
}

# Note how a process ended that ran a test file. That it wrote to its standard error, which tcltest calls an error of
# the file, too, is none.
proc ::pytest_tcltest::ended_badly {path message code} {
    if {[lindex $code 0] in {CHILDSTATUS CHILDKILLED}} {
        emit process [file tail $path] $message [expr {[lindex $code 0] eq "CHILDSTATUS"}]
    }
}

# In such a process: queue the file that `runAllTests` runs, behind the set-up script.
proc ::pytest_tcltest::queue_for_another {settings path args} {
    variable number
    variable plan
    variable prefix
    variable thread
    variable files
    variable queue
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
    know_places $path
    set ::argv0 $path
    set ::argv $args
    set ::argc [llength $args]
    watch
    foreach script [list {*}[expr {$plan(setup) eq "" ? "" : [list $plan(setup)]}] $path] {
        lappend queue [list $script list ended_for_another]
    }
}

proc ::pytest_tcltest::ended_for_another {code message options} {
    if {$code} {
        lassign [fault $code $message $options] message trace
        if {$trace ne ""} {
            set message [string range $trace 0 [string last "\n    invoked from within" $trace]-1] ;# the rest is ours
        }
        emit process [file tail $::argv0] $message 0
        puts stderr $message
        exit 1
    }
}
