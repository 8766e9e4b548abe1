# Records the tests of a file. tcltest's own `test` reads its arguments; it asks `Skipped` whether the test is to run,
# and is told no. In a rehearsal, which a file gets that cannot be sourced so, the tests run.

proc ::pytest_tcltest::begin_file {} {
    foreach command {::open ::tcl::file::rename ::tcl::file::copy} {
        catch {trace add execution $command enter ::pytest_tcltest::writes} ;# the set-up script may have deleted it
    }
}
proc ::pytest_tcltest::end_file {} {}
proc ::pytest_tcltest::compare_counts {} {}

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
    # renamed within its namespace: it is in there that a procedure's `variable` looks
    rename ::tcltest::Skipped ::tcltest::pytest_Skipped
    proc ::tcltest::Skipped {name constraints} {
        variable testLevel
        if {$testLevel == 1 && ![::pytest_tcltest::silent]} {
            upvar 1 description description
            ::pytest_tcltest::record $name $description
        }
        return [expr {$::pytest_tcltest::plan(mode) eq "collect" || [pytest_Skipped $name $constraints]}]
    }
}

proc ::pytest_tcltest::record {name description} {
    variable prefix
    variable inside $name
    emit test $prefix$name $description {*}[location]
}
