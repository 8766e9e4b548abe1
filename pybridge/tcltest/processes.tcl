# Processes in which tcltest's `runAllTests` runs test files. It reads the totals that they print, and adds them to its
# own.

# Have `runAllTests` open and close its pipes by ours. A namespace with tcltest in its path finds these commands, too:
# only `runAllTests` has a variable `childargv`.
proc ::pytest_tcltest::watch_processes {} {
    proc ::tcltest::open {args} {
        ::pytest_tcltest::tailcall ::pytest_tcltest::opened {*}$args
    }
    proc ::tcltest::close {args} {
        ::pytest_tcltest::tailcall ::pytest_tcltest::closed {*}$args
    }
}

proc ::pytest_tcltest::opened {args} {
    upvar 1 childargv childargv
    if {[info exists childargv] && ![silent]} {
        tailcall open_pipe {*}$args
    }
    tailcall ::open {*}$args
}

proc ::pytest_tcltest::closed {args} {
    upvar 1 childargv childargv file path
    if {[catch {::close {*}$args} result options] && [info exists childargv] && ![silent]} {
        ended_badly $path $result [dict get $options -errorcode]
    }
    return -options $options $result
}

# Open a pipe to a program that runs a test file, and have it tell of its tests. Of one that a shell or the like reads
# first, to start the interpreter, the totals tell; and of what is run by a process that `fork` has made.
proc ::pytest_tcltest::open_pipe {pipeline args} {
    variable here
    variable plan
    variable plan_path
    variable runner
    variable process
    set reads_first {/((a|ba|c|da|fi|k|mk|tc|z)?sh|busybox|env)$}
    if {[in_writer pid] != $process || [regexp $reads_first /[lindex $pipeline 1]]} {
        tailcall ::open $pipeline {*}$args
    }
    if {$plan(driver) || [lindex $pipeline 1] ne [info nameofexecutable]} {
        tailcall ::open [linsert $pipeline 2 $here/driver.tcl $plan_path $runner] {*}$args
    }
    set before [array get ::env TCL_LIBRARY]
    array set ::env [list TCL_LIBRARY [file dirname $plan_path] PYTEST_TCLTEST [list $runner $before]]
    catch {::open $pipeline {*}$args} result options
    unset ::env(TCL_LIBRARY) ::env(PYTEST_TCLTEST)
    array set ::env $before
    return -options $options $result
}

# Note how a process ended that ran a test file. That it wrote to its standard error, which tcltest calls an error of
# the file, too, is none.
proc ::pytest_tcltest::ended_badly {path message code} {
    if {[lindex $code 0] in {CHILDSTATUS CHILDKILLED}} {
        set failed [regexp {\n    \(file ".*" line \d+\)$} $message] ;# the last line of the trace that tclsh prints
        emit process [file tail $path] $message [expr {[lindex $code 0] eq "CHILDSTATUS" && !$failed}]
    }
}

# In such a process: be ready for the file, which is run behind the set-up script.
proc ::pytest_tcltest::begin_for_another {settings path} {
    variable number
    variable plan
    variable prefix
    variable thread
    variable files
    eval $settings
    variable process [pid]
    if {[file normalize $path] in $files} {
        emit died "runAllTests would run [file tail $path] again and again, which calls it" ""
        exit 1
    }
    lappend files [file normalize $path]
    variable file "" ;# the tests do not stand in the test file
    append prefix [file tail $path]::
    set thread [list $number $prefix]
    variable totals handed
    variable piped 1
    watch
    if {$plan(setup) ne ""} {
        run_setup end_with_fault
    }
}

# End with the error of such a file, or of its set-up script.
proc ::pytest_tcltest::end_with_fault {message trace} {
    # from the last `source` on the trace is of ours
    regexp -indices {^.*(?=\n    invoked from within)} $trace place
    set told [string range $trace 0 [expr {[info exists place] ? [lindex $place 1] : "end"}]]
    emit process [file tail $::argv0] [expr {$told eq "" ? $message : $told}] 0
    puts stderr $message
    exit 1
}
