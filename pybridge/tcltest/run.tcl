# Runs the selected tests of a file with tcltest's own `test`. Two variables of tcltest tell the rest: `testLevel` goes
# up when a test begins and down when it ends, in the frame in which `test` keeps what it found; `numTests` counts.

namespace eval ::pytest_tcltest {
    variable current ""  ;# {name occurrence} of the test that runs
    variable seen        ;# an array: name to how often it was used in this file
    variable counted     ;# an array: how many results tcltest has counted, as far as the tests have told
    variable before      ;# an array: numTests when the current test began
    variable handles {}  ;# the handles that were live then
    variable setup_code 0 ;# the return code of the current test's set-up
    variable test_deleted 0 ;# whether a suite has deleted `test`: `info frame` may crash where it still runs
    variable report ""   ;# where tcltest's own report of a failure begins in the output
    variable reason ""   ;# the constraint that was not met
}

proc ::pytest_tcltest::begin_counts {} {
    variable counted
    array set counted {Passed 0 Skipped 0 Failed 0}
}

proc ::pytest_tcltest::begin_file {} {
    variable seen
    array unset seen
    begin_counts
    variable current "" ;# a coroutine of the last file may be half-way through a test
    if {[namespace which -variable ::tcltest::numTests] ne ""} {
        # that file may not have got to cleanupTests
        array set ::tcltest::numTests {Total 0 Passed 0 Skipped 0 Failed 0}
        set ::tcltest::testLevel 0
    }
    variable pristine
    variable number
    if {![info exists pristine]} {
        return
    }
    if {$number} {
        restore {*}$pristine
    } elseif {![reads_arguments]} {
        set pristine [configuration] ;# the set-up script has configured it
    }
}

# What a test file may configure in tcltest; the next file of the process is not to inherit it.
proc ::pytest_tcltest::configuration {} {
    set arguments [reads_arguments]
    return [list [array get ::tcltest::Option] [array get ::tcltest::testConstraints] [pwd] $arguments]
}

# Whether tcltest is yet to read the arguments: when it is asked for an option that no script has configured.
proc ::pytest_tcltest::reads_arguments {} {
    return [string match *ProcessCmdLineArgs* [trace info variable ::tcltest::Option]]
}

proc ::pytest_tcltest::restore {options constraints folder arguments} {
    foreach constraint [array names ::tcltest::testConstraints] {
        if {![dict exists $constraints $constraint]} {
            unset ::tcltest::testConstraints($constraint)
        }
    }
    foreach option {-testdir -tmpdir} {
        if {[dict get $options $option] eq $folder} {
            dict set options $option [pwd]
        }
    }
    set ::tcltest::workingDirectory [pwd]
    array set ::tcltest::Option $options
    array set ::tcltest::testConstraints $constraints
    variable plan
    if {$arguments} {
        catch {::tcltest::configure {*}$plan(argv)} ;# tcltest has told what is wrong with them when the first file asked
    }
}

proc ::pytest_tcltest::instrument {} {
    variable plan
    variable prefix
    if {$plan(files) > 1 && $prefix eq ""} {
        variable pristine [configuration]
    }
    variable current "" ;# a tcltest before this one may have been deleted while it counted
    begin_counts
    ask_here
    trace add variable ::tcltest::testLevel write ::pytest_tcltest::ask_here_again
    trace add variable ::tcltest::testLevel write ::pytest_tcltest::level_changed
    watch_counts
    trace add variable ::tcltest::skippedBecause write ::pytest_tcltest::skipping
    variable test_deleted 0
    trace add command ::tcltest::test delete {apply {args {set ::pytest_tcltest::test_deleted 1}}}
    if {[namespace which -command ::tcltest::ReportedFromChild] ne ""} {
        trace add execution ::tcltest::ReportedFromChild enter ::pytest_tcltest::reported
    }
}

# Have the traces on tcltest's counts that tell what it does: a suite may have unset them, and made them anew.
proc ::pytest_tcltest::watch_counts {} {
    if {![array exists ::tcltest::numTests]} {
        return
    }
    foreach {count called} {Failed failing Total totalled} {
        set trace [list write ::pytest_tcltest::$called]
        if {$trace ni [trace info variable ::tcltest::numTests($count)]} {
            trace add variable ::tcltest::numTests($count) {*}$trace
        }
    }
}

# Called before totals are printed.
proc ::pytest_tcltest::totals_due {} {
    watch_counts
}

# How many results of a status tcltest has counted; a suite may have unset the count.
proc ::pytest_tcltest::count_of {status} {
    if {[info exists ::tcltest::numTests($status)]} {
        return $::tcltest::numTests($status)
    }
    return 0
}

# Whether another file can begin to count in the variables of tcltest: they are all there, and have no traces but ours.
proc ::pytest_tcltest::counts_intact {} {
    set traces [trace info variable ::tcltest::numTests]
    foreach count {Total Passed Skipped Failed} {
        if {![info exists ::tcltest::numTests($count)]} {
            return 0
        }
        lappend traces {*}[trace info variable ::tcltest::numTests($count)]
    }
    return [expr {$traces eq {{write ::pytest_tcltest::totalled} {write ::pytest_tcltest::failing}}}]
}

# Whether a test is not to run. This is called by our `Skipped`, which `test` calls. A body may call it, too, and
# begins no test by that.
proc ::pytest_tcltest::skips {name} {
    variable current
    if {$::tcltest::testLevel != 1 || $current ne "" || [silent] || [begin_test $name]} {
        return 0
    }
    incr ::tcltest::numTests(Total)
    incr ::tcltest::numTests(Skipped)
    return 1
}

# Note that a test begins; whether it is to run.
proc ::pytest_tcltest::begin_test {name} {
    variable counted
    variable prefix
    upvar 3 description description body body setupFailure setupFailure
    lassign [choose $prefix$name $description] occurrence runs
    if {!$runs} {
        incr counted(Skipped)
        return 0
    }
    watch_counts
    variable before
    foreach status {Passed Skipped Failed} {
        set before($status) [count_of $status]
    }
    variable handles [live_handles]
    variable report ""
    variable reason ""
    variable current [list $prefix$name $occurrence]
    variable inside $name
    variable setup_code 0
    trace add variable setupFailure write ::pytest_tcltest::set_up
    emit begin {*}$current $prefix [in_writer now] {*}[written] $body
    return 1
}

# Which test of this name it is, and whether it runs. Of what was not found earlier runs what tcltest's -match would
# let through; it is told of.
proc ::pytest_tcltest::choose {name description} {
    variable number
    variable seen
    variable selected
    variable chosen
    variable whole
    variable prefix
    set occurrence [incr seen($name)]
    set key [list $number $name $occurrence $prefix]
    if {[info exists selected($key)]} {
        return [list $occurrence $selected($key)]
    }
    set runs [expr {[info exists whole($number)] || [info exists chosen([list $number $name $prefix])]}]
    emit unfound $name $occurrence $prefix $runs $description {*}[location]
    return [list $occurrence $runs]
}

# tcltest has evaluated the set-up; `code` will be that of the clean-up.
proc ::pytest_tcltest::set_up {args} {
    upvar 1 code code
    if {[info exists code]} {
        variable setup_code $code
    }
}

proc ::pytest_tcltest::live_handles {} {
    if {[namespace which -command ::torch::handles] eq ""} {
        return {}
    }
    return [::torch::handles]
}

# tcltest prints its report of a failure after it has counted it.
proc ::pytest_tcltest::failing {args} {
    variable current
    if {$current ne "" && $::tcltest::numTests(Failed) > 0} {
        variable report [lindex [written] 0]
    }
}

# cleanupTests, in whose frame this is evaluated, sets the counts to 0 after it has printed them, Total first. Before
# it forgets them, they are compared with ours.
proc ::pytest_tcltest::totalled {args} {
    variable before
    variable prefix
    upvar 1 calledFromAllFile cleaning pipeFd pipe testFileName name
    if {[silent]} {
        return
    }
    if {[info exists pipe]} { # runAllTests has read the counts of a process
        upvar 1 Passed Passed Skipped Skipped Failed Failed
        add_counts $Passed $Skipped $Failed
    }
    if {[info exists cleaning] && $::tcltest::numTests(Total) == 0} {
        compare_counts
        variable totals
        if {[totals_kept_back]} {
            emit unprinted $prefix
        } else {
            emit $totals $prefix [expr {[info exists name] ? $name : ""}]
        }
        begin_counts
        array set before {Passed 0 Skipped 0 Failed 0} ;# it may have been called by a test that still runs
    }
}

# Whether the totals just printed have not come to a standard channel. A suite that tests a test tool may catch them, as by
# another `puts`. Those of a child that adds its counts to others, and of a process that runAllTests reads, are not sought.
proc ::pytest_tcltest::totals_kept_back {} {
    variable plan
    variable piped
    variable cleaned_at
    if {$piped || [namespace which -command ::tcltest::ReportToParent] ne ""} {
        return 0
    }
    written ;# which has what is in buffers written
    lassign $cleaned_at out err
    foreach stream {stdout stderr} start [list $out $err] {
        if {[catch {in_writer has_totals $plan($stream) $start} has] || $has} { # what cannot be read may have them
            return 0
        }
    }
    return 1
}

proc ::pytest_tcltest::skipping {array constraint op} {
    variable reason $constraint
}

proc ::pytest_tcltest::level_changed {args} {
    variable current
    if {$current eq "" || $::tcltest::testLevel > 0} {
        return
    }
    set time [in_writer now]
    watch_exit
    set current ""
    set status [status]
    set leaked [leaked]
    if {$status eq "Failed"} {
        uplevel 1 ::pytest_tcltest::describe_failure
    }
    set written [written]
    variable report
    set why [if {$status eq "Skipped"} {uplevel 1 ::pytest_tcltest::skip_reason}] ;# no `expr`: it may be `nan`
    tell end $time $status [expr {$report eq "" ? [lindex $written 0] : $report}] {*}$written $why $leaked
}

# What tcltest has counted since the test began.
proc ::pytest_tcltest::status {} {
    variable before
    variable counted
    foreach status {Failed Skipped Passed} {
        if {[count_of $status] > $before($status)} {
            incr counted($status)
            return $status
        }
    }
    return none
}

# A child may be deleted in the middle of its test: whose test it is has to be told.
proc ::pytest_tcltest::tell {kind args} {
    variable prefix
    emit $kind $prefix {*}$args
}

# A child made by tcltest's loadIntoChildInterpreter has its counts added to ours.
proc ::pytest_tcltest::reported {command op} {
    add_counts {*}[lrange $command 2 4]
}

proc ::pytest_tcltest::add_counts {passed skipped failed} {
    variable counted
    variable prefix
    foreach status {Passed Skipped Failed} count [list $passed $skipped $failed] {
        incr counted($status) $count
    }
    emit reported $prefix $passed $skipped $failed
}

# Tell what tcltest has counted, if that is not what the tests have told: a script may have changed its counts.
proc ::pytest_tcltest::compare_counts {} {
    variable counted
    variable prefix
    foreach status {Passed Skipped Failed} {
        lappend known $counted($status)
        lappend theirs [count_of $status]
        set counted($status) [count_of $status]
    }
    if {$known ne $theirs} {
        emit recounted $prefix $theirs $known
    }
}

proc ::pytest_tcltest::end_file {} {
    if {[namespace which -variable ::tcltest::numTests] ne ""} {
        compare_counts
    }
}
