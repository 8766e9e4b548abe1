# Records the tests of a file and runs none. tcltest's own `test` reads its arguments; it asks `Skipped` whether the
# test is to run, and is told no.

proc ::pytest_tcltest::begin_file {} {}

proc ::pytest_tcltest::instrument {} {
    proc ::tcltest::Skipped {name constraints} {
        upvar 1 description description
        ::pytest_tcltest::record $name $description
        return 1
    }
}

proc ::pytest_tcltest::record {name description} {
    emit test $name $description {*}[location]
}

# File ("" for the test file) and line of the `test` command. Where a procedure made the test, the line that called the procedure: it tells
# more, and tells the tests of a helper apart.
proc ::pytest_tcltest::location {} {
    variable file
    set suite [file normalize $file]
    set elsewhere {}
    set inside {}
    for {set level [info frame]} {$level > 0} {incr level -1} {
        set frame [info frame $level]
        if {![dict exists $frame file] || [inner $frame]} {
            continue
        }
        set place [list [dict get $frame file] [dict get $frame line]]
        if {[lindex $place 0] ne $suite} {
            if {$elsewhere eq {}} {
                set elsewhere $place
            }
        } elseif {![dict exists $frame proc] && ![dict exists $frame lambda]} {
            return [list "" [lindex $place 1]]
        } elseif {$inside eq {}} {
            set inside [list "" [lindex $place 1]]
        }
    }
    foreach place [list $inside $elsewhere] {
        if {$place ne {}} {
            return $place
        }
    }
    return {"" 1}
}

# Whether the frame is tcltest's or ours.
proc ::pytest_tcltest::inner {frame} {
    variable here
    if {[dict exists $frame proc] && [string match ::tcltest::* [dict get $frame proc]]} {
        return 1
    }
    return [expr {[file dirname [dict get $frame file]] eq $here}]
}

proc ::pytest_tcltest::cleaning {args} {
    emit cleanup {*}[location]
}
