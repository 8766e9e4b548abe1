# What there is in each interpreter that may get a tcltest: that of the test files, and the children that they make.
#
# Events go to a file of their own, opened for each line: no channel is open that a suite could see or close, and all
# events so far are there when the process is killed. A line is words with tabs between them. Another interpreter
# writes them, for a suite may replace `open` or `puts` in its own.

namespace eval ::pytest_tcltest {
    variable writer pytest_tcltest_writer
    variable here [file dirname [file normalize [info script]]]
    variable plan_path   ;# the file with the plan
    variable plan
    variable file ""     ;# the test file
    variable number 0    ;# which of the plan's files it is, from 0
    variable prefix ""   ;# what the names of the tests in this interpreter begin with, in a child
    variable parent ""   ;# the same of the interpreter that made it
    variable made_at {"" 1} ;# file and line where this interpreter was made
    variable made        ;# an array: how many children of each name this interpreter has made
    variable selected    ;# an array: {number name occurrence} of each test that was found to whether it is to run
    variable chosen      ;# an array with {number name} of each test that is to run
    variable whole       ;# an array with the number of each file of which all tests were selected
}

proc ::pytest_tcltest::read_lines {path} {
    set channel [::open $path]
    ::fconfigure $channel -encoding utf-8 -translation lf
    set text [::read -nonewline $channel]
    ::close $channel
    return [lmap line [split $text \n] {
        lmap word [split $line \t] {string map {\\\\ \\ \\t \t \\n \n} $word}
    }]
}

# A word as Tcl has it that came on the command line. In a locale that is not UTF-8, only this names the same file.
proc ::pytest_tcltest::as_argument {word} {
    return [encoding convertfrom [encoding system] [encoding convertto utf-8 $word]]
}

proc ::pytest_tcltest::start_writer {} {
    variable writer
    interp create $writer
    interp eval $writer {
        proc emit {path words} {
            set line [join [lmap word $words {string map {\\ \\\\ \t \\t \n \\n} $word}] \t]
            set channel [open $path a]
            fconfigure $channel -encoding utf-8 -translation lf
            catch {fconfigure $channel -profile replace} ;# Tcl 9 would refuse half a surrogate pair
            puts $channel $line
            close $channel
        }
        proc sizes {args} {
            lmap path $args {file size $path}
        }
        proc now {} {
            clock microseconds
        }
    }
    interp alias {} ::pytest_tcltest::write_event $writer emit
    interp alias {} ::pytest_tcltest::sizes $writer sizes
    interp alias {} ::pytest_tcltest::now $writer now
}

proc ::pytest_tcltest::emit {args} {
    variable plan
    write_event $plan(events) $args
}

# How much the process has written to its standard channels.
proc ::pytest_tcltest::written {} {
    variable plan
    foreach channel {stdout stderr} {
        catch {::flush $channel} ;# a suite may have closed it
    }
    return [sizes $plan(stdout) $plan(stderr)]
}

# Get what a tcltest needs that is to tell of its tests, and return the test files.
proc ::pytest_tcltest::prepare {} {
    variable here
    variable plan
    start_writer
    set files [read_plan]
    foreach part [list location.tcl [expr {$plan(mode) eq "run" ? "run.tcl" : "collect.tcl"}]] {
        uplevel #0 [list source -encoding utf-8 [file join $here $part]]
    }
    return $files
}

# Read the plan, and return the test files in it.
proc ::pytest_tcltest::read_plan {} {
    variable plan_path
    variable plan
    variable selected
    variable chosen
    variable whole
    array set plan {setup "" interpreter "" argv {}}
    set files {}
    foreach words [read_lines $plan_path] {
        set rest [lassign $words key]
        if {$key eq "test"} {
            set rest [lassign $rest run]
            set selected($rest) $run
            if {$run} {
                set chosen([lrange $rest 0 1]) 1
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

# Wait for a tcltest in this interpreter, and for child interpreters.
proc ::pytest_tcltest::watch {} {
    foreach command {::package ::source} {
        trace add execution $command leave ::pytest_tcltest::await_tcltest
    }
    trace add execution ::interp leave ::pytest_tcltest::child_made
}

# The child that `interp create` has made. Tcl tells only the first of several traces what the result was; then it is
# the word of the command, or the youngest without one.
proc ::pytest_tcltest::created {command result} {
    set words [lrange $command 2 end]
    while {[lindex $words 0] in {-safe --}} {
        set words [lrange $words 1 end]
    }
    if {$result ne ""} {
        return $result
    }
    if {[llength $words]} {
        return [lindex $words end]
    }
    return [lindex [lsort -dictionary [lsearch -all -inline -regexp [interp slaves] {^interp\d+$}]] end]
}

# Watch a child, too, in which the suite may load a tcltest of its own. Until it does, nothing of ours is to be seen
# there but this namespace. A safe one cannot load tcltest.
proc ::pytest_tcltest::child_made {command code result args} {
    if {$code || ![string match cr* [lindex $command 1]]} {
        return
    }
    set child [created $command $result]
    if {$child eq "" || [interp issafe $child]} {
        return
    }
    foreach name {writer here made made_at prefix plan_path file number} {
        variable $name
    }
    if {$child eq $writer} {
        return
    }
    set place [expr {[namespace which location] eq "" ? $made_at : [location]}]
    set again [incr made($child)]
    set name [join $child ::][expr {$again > 1 ? "\[$again\]" : ""}]
    interp eval $child [list source -encoding utf-8 [file join $here interpreter.tcl]]
    interp eval $child [list namespace eval ::pytest_tcltest [list variable \
        prefix $prefix${name}:: parent $prefix plan_path $plan_path file $file number $number made_at $place]]
    interp eval $child ::pytest_tcltest::watch
}

# Called when `package` or `source` has done something: a moment in which tcltest may be there, all of it, while no
# suite has imported from it.
proc ::pytest_tcltest::await_tcltest {args} {
    foreach command {test Skipped cleanupTests runAllTests} {
        if {[namespace which -command ::tcltest::$command] eq ""} {
            return
        }
    }
    if {[catch {package present tcltest}]} {
        return ;# it is being sourced
    }
    foreach command {::package ::source} {
        trace remove execution $command leave ::pytest_tcltest::await_tcltest
    }
    variable plan
    variable prefix
    if {$prefix ne ""} {
        prepare
    }
    if {$plan(interpreter) ne ""} {
        name_interpreter $plan(interpreter)
    }
    instrument
    variable instrumented 1
    trace add execution ::tcltest::cleanupTests enter ::pytest_tcltest::cleaning
    proc ::tcltest::runAllTests {args} {
        return -code error "runAllTests: pytest runs the test files, each by itself"
    }
    uplevel #0 [list source -encoding utf-8 $plan(match)]
}

proc ::pytest_tcltest::cleaning {args} {
    variable prefix
    variable parent
    if {$prefix eq ""} {
        emit cleanup
    } elseif {[namespace which -command ::tcltest::ReportToParent] ne ""} {
        emit reported $prefix $parent
    }
}

# What tcltest's `interpreter` command returns. Its trace would look for the constraint stdio, which is not defined so
# early; tcltest asks for it when a test needs it.
proc ::pytest_tcltest::name_interpreter {program} {
    set traces [trace info variable ::tcltest::tcltest]
    foreach trace $traces {
        trace remove variable ::tcltest::tcltest {*}$trace
    }
    set ::tcltest::tcltest $program
    foreach trace [lreverse $traces] {
        trace add variable ::tcltest::tcltest {*}$trace
    }
}
