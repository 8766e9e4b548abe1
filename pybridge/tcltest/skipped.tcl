# Has tcltest's `test` ask here whether a test is to run, before it asks tcltest's `Skipped` or what a suite has put in
# the place of that.

namespace eval ::pytest_tcltest {
    variable asked ::tcltest::Skipped ;# the name of our `Skipped`; "" when a suite has replaced it
}

proc ::pytest_tcltest::ask_here {} {
    # renamed within its namespace: it is in there that a procedure's `variable` looks
    rename ::tcltest::Skipped ::tcltest::pytest_Skipped
    proc ::tcltest::Skipped {name constraints} {
        ::pytest_tcltest::set original [::pytest_tcltest::original [::pytest_tcltest::namespace current] \
            [::pytest_tcltest::lindex [::pytest_tcltest::info level 0] 0]]
        ::pytest_tcltest::if {[::pytest_tcltest::is_observed $original] && [::pytest_tcltest::skips $name]} {
            ::pytest_tcltest::return 1
        }
        # a suite's own may look into the frame of `test`; after `tailcall` a trace is not told what it returns
        ::pytest_tcltest::return [::pytest_tcltest::uplevel 1 [::pytest_tcltest::list $original $name $constraints]]
    }
    note_asking
}

proc ::pytest_tcltest::note_asking {} {
    variable asked ::tcltest::Skipped
    trace add command ::tcltest::Skipped {rename delete} ::pytest_tcltest::renamed
}

# The `Skipped` that is to be asked next: a suite may have copied the procedures of tcltest, and these two, to a namespace;
# or ours alone, to call that from one of its own.
proc ::pytest_tcltest::original {namespace called} {
    variable asked
    set copied [string trimright $namespace :]::pytest_Skipped
    if {$copied ne "::tcltest::pytest_Skipped" && [namespace which -command $copied] ne ""} {
        return $copied
    }
    if {[namespace which -command ::tcltest::pytest_first_Skipped] ne ""
        && [namespace eval $namespace [list namespace which -command $called]] ne $asked} {
        return ::tcltest::pytest_first_Skipped
    }
    return ::tcltest::pytest_Skipped
}

# Whether it is tcltest's, and not copied into a child interpreter, either.
proc ::pytest_tcltest::is_observed {original} {
    variable instrumented
    return [expr {[info exists instrumented] && $original eq "::tcltest::pytest_Skipped"}]
}

proc ::pytest_tcltest::renamed {old new op} {
    variable asked $new
}

# Called when a test begins, before `test` asks. A suite may have renamed our `Skipped`, to call tcltest's by that name:
# it is tcltest's that gets it.
proc ::pytest_tcltest::ask_here_again {args} {
    variable asked
    watch_exit
    if {$asked eq "::tcltest::Skipped" || [namespace which -command ::tcltest::Skipped] eq ""} {
        return
    }
    if {[is_copy ::tcltest::Skipped]} {
        note_asking
        return
    }
    set name $asked
    if {$name eq ""} {
        set name ::tcltest::pytest_first_Skipped ;# for a copy of ours
    }
    if {[namespace which -command $name] ne ""} {
        rename $name {}
    }
    rename ::tcltest::pytest_Skipped $name
    ask_here
}

# Whether a suite has made this of our own text, as `info body` gives it: then it asks here by itself.
proc ::pytest_tcltest::is_copy {command} {
    return [expr {[info procs $command] ne "" && [string match *::pytest_tcltest::skips* [info body $command]]}]
}
