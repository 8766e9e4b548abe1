# Where a test stands, found while tcltest's `test` runs.

# File ("" for the test file) and line of the `test` command. Where a procedure made the test, the line that called the
# procedure: it tells more, and tells the tests of a helper apart. Each level is asked for once: a suite may make its tests
# hundreds of levels deep.
proc ::pytest_tcltest::location {} {
    variable made_at
    set inside $made_at ;# the first place
    set outside ""      ;# the first that is not of a procedure
    set places {}       ;# before that: of each procedure its first since the last `source`
    for {set level [info frame]} {$level > 0 && ($outside eq "" || [dict size $places])} {incr level -1} {
        set frame [info frame $level]
        set proc [expr {[dict exists $frame proc] ? [dict get $frame proc] : ""}]
        if {[dict exists $frame cmd] && [regexp {^(::)?source\s} [dict get $frame cmd]]} {
            # what stands at the top of a script that a procedure sources names the procedure, too
            if {[dict exists $places $proc]} {
                return [dict get $places $proc]
            }
            set places {}
        }
        if {$outside ne "" || ![dict exists $frame file] || [is_ours $frame]} {
            continue
        }
        set place [place $frame]
        if {$inside eq $made_at} {
            set inside $place
        }
        if {[dict exists $frame lambda]} {
            continue
        }
        if {$proc eq ""} {
            set outside $place
        } elseif {![dict exists $places $proc]} {
            dict set places $proc $place
        }
    }
    if {$outside ne ""} {
        return $outside
    }
    return $inside
}

# File and line as above of the command that has called tcltest, and how many lines it has after its first.
proc ::pytest_tcltest::command_place {} {
    for {set level [info frame]} {$level > 0} {incr level -1} {
        set frame [info frame $level]
        if {[dict exists $frame file] && ![is_ours $frame]} {
            return [list {*}[place $frame] [regexp -all {\n} [dict get $frame cmd]]]
        }
    }
    return {"" 0 0}
}

proc ::pytest_tcltest::place {frame} {
    variable file
    set path [dict get $frame file]
    return [list [expr {$path eq $file ? "" : $path}] [dict get $frame line]]
}

# Whether the frame is of this plugin or of tcltest; what `runAllTests` sources is neither.
proc ::pytest_tcltest::is_ours {frame} {
    variable here
    if {[dict exists $frame proc] && [string match ::tcltest::* [dict get $frame proc]]} {
        return [expr {![string match *AllTests [dict get $frame proc]] || [is_tcltest [dict get $frame file]]}]
    }
    return [expr {[string first $here/ [dict get $frame file]] == 0}]
}

proc ::pytest_tcltest::is_tcltest {path} {
    return [regexp {(^|/)tcltest(-[\d.]+\.tm|\.tcl)$} $path]
}
