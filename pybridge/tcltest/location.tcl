# Where a test stands, found while tcltest's `test` runs.

# File ("" for the test file) and line of the `test` command. Where a procedure made the test, the line that called the
# procedure: it tells more, and tells the tests of a helper apart.
proc ::pytest_tcltest::location {} {
    variable made_at
    set inside $made_at
    for {set level [info frame]} {$level > 0} {incr level -1} {
        set frame [info frame $level]
        if {![dict exists $frame file] || [is_ours $frame]} {
            continue
        }
        if {[at_top_level $frame $level]} {
            return [place $frame]
        }
        if {$inside eq $made_at} {
            set inside [place $frame]
        }
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

# Whether the frame is not of a procedure. That of a script that a procedure sources names the procedure, too.
proc ::pytest_tcltest::at_top_level {frame level} {
    if {[dict exists $frame lambda]} {
        return 0
    }
    if {![dict exists $frame proc]} {
        return 1
    }
    while {[incr level -1] > 0} {
        set below [info frame $level]
        if {[dict exists $below cmd] && [regexp {^(::)?source\s} [dict get $below cmd]]} {
            return [expr {[dict exists $below proc] && [dict get $below proc] eq [dict get $frame proc]}]
        }
    }
    return 0
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
