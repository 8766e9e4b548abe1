# Records the tests of a file. tcltest's own `test` reads its arguments; it asks `Skipped` whether the test is to run,
# and is told no. In a rehearsal, which a file gets that cannot be sourced so, the tests run.

proc ::pytest_tcltest::begin_file {} {
    variable file
    look_at_script $file
    foreach {command called} {::source sources ::open writes ::tcl::file::rename writes ::tcl::file::copy writes} {
        catch {trace add execution $command enter [called $called]} ;# the set-up script may have deleted it
    }
}

# What is called when a file ends or a child prints totals, and only run.tcl has something to do for.
proc ::pytest_tcltest::end_file {} {}
proc ::pytest_tcltest::watch_counts {} {}
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
# tcltest's -skip: totals that are others show that a script changes them.
proc ::pytest_tcltest::skips {name} {
    variable plan
    set skips [expr {$plan(mode) eq "collect"}]
    if {$::tcltest::testLevel == 1 && ![silent]} {
        upvar 2 description description
        record $name $description
        if {$skips} {
            incr ::tcltest::numTests(Total)
            incr ::tcltest::numTests(Skipped)
        }
    }
    return $skips
}

proc ::pytest_tcltest::record {name description} {
    variable prefix
    variable inside $name
    emit test $prefix$name $prefix $description {*}[location]
}
