# Records the tests of a file. tcltest's own `test` reads its arguments; it asks `Skipped` whether the test is to run,
# and is told no. In a rehearsal, which a file gets that cannot be sourced so, the tests run.

namespace eval ::pytest_tcltest {
    variable left_out 0 ;# how many tests have been left out that no totals count yet
}

proc ::pytest_tcltest::begin_file {} {
    variable file
    look_at_script $file
    foreach {command called} {::source sources ::open writes ::tcl::file::rename writes ::tcl::file::copy writes} {
        catch {trace add execution $command enter [called $called]} ;# the set-up script may have deleted it
    }
}

# What is called when a file ends or a child prints totals, and only run.tcl has something to do for.
proc ::pytest_tcltest::end_file {} {}
proc ::pytest_tcltest::compare_counts {} {}

# A script that is sourced; but for tcltest itself.
proc ::pytest_tcltest::sources {command op} {
    set path [lindex $command end]
    if {![is_tcltest $path]} {
        look_at_script $path
    }
}

# Tell whether a script seems to change what tcltest has counted, or to delete it before it prints totals; and whether it
# calls cleanupTests, which may be where it is not searched: in a child that a body makes.
proc ::pytest_tcltest::look_at_script {path} {
    # as a value, with a dollar sign before it, the count is only read
    set pattern {(^|[^$\w:])(::)?(tcltest::)?numTests|namespace\s+delete\y[^\n]*tcltest}
    if {[in_writer mentions $path $pattern]} {
        emit changes_counts
    }
    if {[in_writer mentions $path {\ycleanupTests\y}]} {
        emit mentions_cleanup
    }
}

# A file that writes to itself, or puts another in its place, is put back before it runs.
proc ::pytest_tcltest::writes {command op} {
    variable file
    lassign $command name path access
    if {[string match ::tcl::file::* $name]} {
        set path [lindex $command end]
        set access w
    }
    if {[regexp {[wa+]|WR|TRUNC} $access] && ![catch {in_writer file normalize $path} path] && $path eq $file} {
        emit rewritten
    }
}

proc ::pytest_tcltest::instrument {} {
    ask_here
    trace add variable ::tcltest::testLevel write ::pytest_tcltest::ask_here_again
}

# Whether a test is not to run. This is called by our `Skipped`, which `test` calls. What is left out is counted, as with
# tcltest's -skip, until totals are printed: other counts show that a script changes them.
proc ::pytest_tcltest::skips {name} {
    variable plan
    variable left_out
    set skips [expr {$plan(mode) eq "collect"}]
    if {$::tcltest::testLevel == 1 && ![silent]} {
        upvar 2 description description
        record $name $description
        if {$skips} {
            incr ::tcltest::numTests(Total)
            incr ::tcltest::numTests(Skipped)
            incr left_out
        }
    }
    return $skips
}

# Called before totals are printed, which a suite may read from a file when it runs: no test that is seen has run. Those of
# a process that `fork` has made are to show.
proc ::pytest_tcltest::totals_due {} {
    variable plan
    variable left_out
    variable process
    if {$plan(mode) eq "rehearse" || [in_writer pid] != $process} {
        return
    }
    foreach count {Total Skipped} {
        if {[info exists ::tcltest::numTests($count)] && $::tcltest::numTests($count) == $left_out} {
            set ::tcltest::numTests($count) 0
        } else {
            emit changes_counts
        }
    }
    set left_out 0
}

proc ::pytest_tcltest::record {name description} {
    variable prefix
    variable inside $name
    emit test $prefix$name $prefix $description {*}[location]
}
