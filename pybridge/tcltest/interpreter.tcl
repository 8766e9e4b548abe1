# What there is in each interpreter that may get a tcltest: that of the test files, and those of the children, threads
# and processes that they make.

namespace eval ::pytest_tcltest {
    variable writer ::pytest_tcltest::writer
    variable here        ;# the folder with these scripts
    variable mode        ;# collect, rehearse or run
    variable plan_path   ;# the file with the plan
    variable process     ;# the number of this process: one that is forked from it tells nothing
    variable encoding    ;# that of the names of files when the process began
    variable plan
    variable file ""     ;# the test file
    variable files {}    ;# it, and those that runAllTests has run on the way to this process
    variable number 0    ;# which of the plan's files it is, from 0
    variable prefix ""   ;# what the names of the tests in this interpreter begin with, in a child
    variable thread ""   ;# in another thread or process than that of the test files: the file's number, and a name
    variable lent 0      ;# in a child: the writer is lent by the interpreter that watches this one
    variable leave_traced 0    ;# whether there is a trace that calls us when `interp` has done something
    variable hidden ""   ;# while `interp children` is called: the interpreter whose writer is to be lent again
    variable made_at {"" 1} ;# file and line where this interpreter was made
    variable inside ""   ;# the name of the test that runs, or was the last to run
    variable made        ;# an array: how often it has given each name to a child, a thread or a run of runAllTests
    variable piped 0     ;# whether runAllTests reads what this process writes to standard output
    variable totals totals ;# the event when it prints totals
    variable untold {}   ;# the events that could not be told yet
    variable sizes {0 0} ;# how much had been written to the standard channels
    variable cleaned 0   ;# whether it has begun to print totals
    variable cleaned_at {0 0} ;# how much had been written then
    variable prepared 0  ;# whether it has what a tcltest needs that is to tell of its tests
    variable selected    ;# an array: {number name occurrence prefix} of each test that was found to whether it is to run
    variable chosen      ;# an array with {number name prefix} of each test that is to run
    variable whole       ;# an array with the number of each file of which all tests were selected
    # the commands that our procedures are made of; a safe interpreter has them, too
    variable language {
        append apply array break catch concat continue dict eval expr for foreach if incr info interp join lappend
        lassign lindex linsert list llength lmap lrange lreplace lsearch lset lsort namespace package proc regexp rename
        return set split string switch tailcall trace try unset uplevel upvar variable while
    }
}

# What a suite may hide, rename or replace in its own interpreter: as imported commands these stay what they are for
# what is done in a namespace of ours. Tcl would have `auto_import`, if there is one, read the index of all libraries
# first.
proc ::pytest_tcltest::import {namespace args} {
    set exported [namespace eval :: {namespace export}]
    set found [info commands ::auto_import]
    foreach command $found {
        rename $command auto_import
    }
    namespace eval :: [list namespace export {*}$args]
    namespace eval $namespace [list namespace import -force {*}[lmap name $args {string cat :: $name}]]
    namespace eval :: [list namespace export -clear {*}$exported]
    foreach command $found {
        rename auto_import $command
    }
}
::pytest_tcltest::import ::pytest_tcltest {*}$::pytest_tcltest::language encoding source

# A word as Tcl has it that came on the command line. In a locale that is not UTF-8, only this names the same file.
proc ::pytest_tcltest::as_argument {word} {
    return [encoding convertfrom [encoding system] [encoding convertto utf-8 $word]]
}

# The scripts that an interpreter needs in which tests are to be found or run.
proc ::pytest_tcltest::scripts {} {
    variable here
    variable mode
    set last [expr {$mode eq "run" ? "run description" : "collect"}]
    set names [list interpreter writer children threads processes location skipped {*}$last]
    return [lmap name $names {string cat $here / $name .tcl}]
}

# Get what a tcltest needs that is to tell of its tests.
proc ::pytest_tcltest::prepare {} {
    variable prepared
    variable lent
    if {$prepared} {
        return
    }
    if {$lent} {
        in_writer prepare
    } else {
        by_name read_plan
    }
    set prepared 1
}

# Read the plan, and return the test files in it.
proc ::pytest_tcltest::read_plan {} {
    variable plan_path
    variable plan
    variable selected
    variable chosen
    variable whole
    set files {}
    foreach words [read_lines $plan_path] {
        set rest [lassign $words key]
        if {$key eq "test"} {
            set rest [lassign $rest run]
            set selected($rest) $run
            if {$run} {
                set chosen([lreplace $rest 2 2]) 1
            }
            continue
        }
        set rest [lmap word $rest {as_argument $word}]
        switch $key {
            file {lappend files $rest}
            argv {set plan(argv) $rest}
            whole {set whole([lindex $rest 0]) 1}
            default {set plan($key) [lindex $rest 0]}
        }
    }
    set plan(files) [llength $files]
    return $files
}

# Wait for a tcltest in this interpreter, for child interpreters and for threads.
proc ::pytest_tcltest::watch {} {
    use_tcls_namespace
    look
    foreach {command called} {::package package_called ::source look ::load look} {
        if {[namespace which -command $command] ne ""} {
            trace add execution $command leave [called $called]
        }
    }
    watch_exit
    trace add execution ::interp enter [called interp_called]
    trace_leave ::interp 1
}

# What a trace calls, to call one of our procedures if there still is one: a suite may delete all namespaces. In a child,
# which may have lost the commands that the procedure is made of, the interpreter that watches it does this.
proc ::pytest_tcltest::called {name} {
    variable lent
    if {$lent} {
        return [list ::pytest_tcltest::call call ::pytest_tcltest::$name]
    }
    return [list ::tcl::pytest_tcltest::call ::pytest_tcltest::$name]
}

# Have what is needed when our namespace has gone in one that no suite can do without.
proc ::pytest_tcltest::use_tcls_namespace {} {
    variable lent
    namespace eval ::tcl::pytest_tcltest {}
    import ::tcl::pytest_tcltest foreach if info lindex namespace string tailcall trace
    if {!$lent} {
        proc ::tcl::pytest_tcltest::call {name args} {
            if {[namespace which -command $name] ne ""} {
                tailcall $name {*}$args
            }
        }
        return
    }
    trace add command ::pytest_tcltest::call delete ::tcl::pytest_tcltest::remove_traces
    proc ::tcl::pytest_tcltest::remove_traces {args} {
        foreach command [info commands ::*] {
            foreach each [trace info execution $command] {
                if {[string match ::pytest_tcltest::call* [lindex $each 1]]} {
                    trace remove execution $command {*}$each
                }
            }
        }
    }
}

# Have `exit` tell that it is called, also one that a package such as Expect, or a suite, has put in the place of Tcl's.
proc ::pytest_tcltest::watch_exit {} {
    set trace [list enter [called exit_called]]
    if {[namespace which -command ::exit] ne "" && $trace ni [trace info execution ::exit]} {
        trace add execution ::exit {*}$trace
        trace add command ::exit {rename delete} ::pytest_tcltest::exit_replaced
    }
}

# Tell that what comes in the place of `exit` may be called unseen.
proc ::pytest_tcltest::exit_replaced {args} {
    if {[namespace which -command ::pytest_tcltest::main_script_ends] ne ""} {
        emit unseen
    }
}

# Tell that a script calls `exit`. What tclsh calls after its own script is none of that. An error here, as in a suite
# that has deleted `dict`, would have `exit` fail.
proc ::pytest_tcltest::exit_called {args} {
    set end ::pytest_tcltest::main_script_ends
    if {[namespace which -command $end] eq "" || [catch $end ended] || !$ended} { # nothing for a suite's `unknown`
        variable cleaned
        if {[catch prepare]} { # the plan is gone, or a thread may not read it
            return
        }
        if {$cleaned} { # the totals may tell what cannot be told
            emit_end exits
        } else {
            emit exits
        }
    }
}

proc ::pytest_tcltest::package_called {command args} {
    if {[may_bring_package $command]} {
        look
    }
}

# Whether it is `package require`, or a `package provide` that is no question.
proc ::pytest_tcltest::may_bring_package {command} {
    set verb [lindex $command 1]
    return [expr {[string match r* $verb] || ([string match pro* $verb] && [llength $command] > 3)}]
}

# Called when `package`, `source` or `load` has done something: a moment in which tcltest may be there, all of it,
# while no suite has imported from it.
proc ::pytest_tcltest::look {args} {
    if {[is_new_tcltest] && ![catch prepare]} { # of a thread that may not read the plan any more, the totals tell
        adopt_tcltest
    }
    await_threads
    watch_exit
}

proc ::pytest_tcltest::is_new_tcltest {} {
    foreach command {test Skipped cleanupTests runAllTests} {
        if {[namespace which -command ::tcltest::$command] eq ""} {
            return 0
        }
    }
    if {[namespace which -command ::tcltest::pytest_Skipped] ne ""} {
        return 0
    }
    return [expr {![catch {package present tcltest}]}] ;# else it is being sourced
}

proc ::pytest_tcltest::adopt_tcltest {} {
    variable prefix
    variable instrumented
    if {[info exists instrumented]} {
        emit forgotten $prefix
    }
    instrument
    set instrumented 1
    trace add execution ::tcltest::cleanupTests enter ::pytest_tcltest::cleaning
    rename ::tcltest::runAllTests ::tcltest::pytest_runAllTests
    proc ::tcltest::runAllTests {args} {
        ::pytest_tcltest::set ::pytest_tcltest::runner [::pytest_tcltest::settings [::pytest_tcltest::new_name all]]
        ::pytest_tcltest::watch_processes
        ::pytest_tcltest::tailcall pytest_runAllTests {*}$args
    }
    add_match_modes
}

# Whether the suite keeps to itself what the tcltest of this interpreter reports: tclsh does not print its totals.
proc ::pytest_tcltest::silent {} {
    variable prefix
    if {$prefix eq "" || [namespace which -command ::tcltest::ReportToParent] ne ""} {
        return 0
    }
    return [expr {$::tcltest::outputChannel ni {stdout stderr}}]
}

proc ::pytest_tcltest::add_match_modes {} {
    variable plan
    variable lent
    if {$lent} {
        in_writer add_match_modes
    } else {
        set source [list ::pytest_tcltest::source -encoding utf-8 $plan(match)]
        by_name uplevel #0 [list ::pytest_tcltest::namespace eval ::pytest_tcltest::match $source]
    }
}

proc ::pytest_tcltest::cleaning {args} {
    variable prefix
    variable totals
    if {[silent]} {
        return
    }
    totals_due
    variable cleaned 1
    variable cleaned_at [written]
    if {[namespace which -command ::tcltest::ReportToParent] ne ""} {
        compare_counts
        emit reporting $prefix
    } elseif {$totals eq "totals"} {
        emit cleanup $prefix
    }
}
