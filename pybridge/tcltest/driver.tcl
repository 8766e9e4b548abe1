# Sources test files in this process as tclsh would, and tells pytest what happens in them. The one argument is the
# plan, written by process.py; driver.tcl is plain Tcl 8.6 or later, so that any interpreter can run it.
#
# Events go to a file of their own, opened for each line: no channel is open that a suite could see or close, and all
# events so far are there when the process is killed. A line is words with tabs between them. Another interpreter
# writes them, for a suite may replace `open` or `puts` in its own.

namespace eval ::pytest_tcltest {
    variable writer pytest_tcltest_writer
    variable here [file dirname [file normalize [info script]]]
    variable plan
    variable file ""     ;# the test file
    variable number 0    ;# which of the plan's files it is, from 0
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
    emit cleanup
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

proc ::pytest_tcltest::source_as_tclsh {path} {
    variable plan
    uplevel #0 [list source {*}[expr {$plan(utf8) ? "-encoding utf-8" : ""}] $path]
}

proc ::pytest_tcltest::set_arguments {} {
    variable plan
    set ::argv $plan(argv)
    set ::argc [llength $plan(argv)]
}

# Whether a file has taken away the tcltest that tells of tests.
proc ::pytest_tcltest::lost_tcltest {} {
    variable instrumented
    return [expr {[info exists instrumented] && [namespace which ::tcltest::pytest_Skipped] eq ""}]
}

proc ::pytest_tcltest::run_file {folder name} {
    variable plan
    variable number
    variable file [file join $folder $name]
    if {$number && [lost_tcltest]} {
        exit 0 ;# pytest starts another process for the files that are left
    }
    cd $folder
    set ::argv0 $name
    set_arguments
    emit file $number {*}[written]
    begin_file
    set code [catch {source_as_tclsh $name} message options]
    if {$code in {0 2}} {
        end_file
        emit sourced
    } elseif {$code == 1} {
        emit died $message [dict get $options -errorinfo]
    } else {
        emit died "code $code outside of a loop" ""
    }
}

proc ::pytest_tcltest::main {path} {
    variable plan
    variable here
    variable number
    variable selected
    variable chosen
    variable whole
    array set plan {setup "" interpreter "" argv {}}
    start_writer
    set files {}
    foreach words [read_lines $path] {
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
    set_arguments ;# the set-up script may load tcltest, which reads them
    foreach part [list location.tcl [expr {$plan(mode) eq "run" ? "run.tcl" : "collect.tcl"}]] {
        uplevel #0 [list source -encoding utf-8 [file join $here $part]]
    }
    foreach command {::package ::source} {
        trace add execution $command leave ::pytest_tcltest::await_tcltest
    }
    package names ;# has the trace look: the interpreter may have loaded tcltest already
    if {$plan(setup) ne "" && [catch {source_as_tclsh $plan(setup)} message options]} {
        emit setup_died $message [dict get $options -errorinfo]
        exit 1
    }
    foreach file $files {
        run_file {*}$file
        incr number
    }
}

catch {fconfigure stdout -buffering line}
::pytest_tcltest::main [lindex $::argv 0]
