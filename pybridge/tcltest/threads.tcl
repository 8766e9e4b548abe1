# Threads that a suite makes with the package Thread. Each has an interpreter, in which there may be a tcltest.

proc ::pytest_tcltest::await_threads {} {
    foreach what {thread tpool} {
        set original ::pytest_tcltest::original_$what
        if {[namespace which -command ::${what}::create] ne "" && [namespace which -command $original] eq ""} {
            rename ::${what}::create $original
            proc ::${what}::create {args} [string map [list WHAT $what] {
                ::pytest_tcltest::tailcall ::pytest_tcltest::create_WHAT $args
            }]
        }
    }
}

# As `thread::create ?-joinable? ?-preserved? ?script?`: without a script the thread waits for events.
proc ::pytest_tcltest::create_thread {words} {
    set last [lindex $words end]
    if {![llength $words] || $last in {-joinable -preserved}} {
        lappend words ::thread::wait
    }
    lset words end "[watching [thread_settings [new_name thread]]]; [lindex $words end]"
    tailcall ::pytest_tcltest::call_original thread $words
}

# As `tpool::create ?-option value ...?`: its threads begin with the script of -initcmd.
proc ::pytest_tcltest::create_tpool {words} {
    set at [lsearch -exact $words -initcmd]
    if {$at < 0} {
        set at [llength $words]
        lappend words -initcmd ""
    }
    set begin "[watching [thread_settings [new_name pool]]]; ::pytest_tcltest::join_pool"
    lset words $at+1 "$begin; [lindex $words $at+1]"
    tailcall ::pytest_tcltest::call_original tpool $words
}

# Call what is called `create` in a suite; its messages tell how.
proc ::pytest_tcltest::call_original {package words} {
    set original ::pytest_tcltest::original_$package
    if {![catch {$original {*}$words} result options]} {
        return $result
    }
    set names [list $original ${package}::create]
    dict set options -errorinfo [string map $names [dict get $options -errorinfo]]
    return -options $options [string map $names $result]
}

proc ::pytest_tcltest::thread_settings {name} {
    variable number
    return [settings $name thread [list $number $name]]
}

# The names of tests in a thread of a pool tell which thread it is.
proc ::pytest_tcltest::join_pool {} {
    variable prefix
    variable thread
    set worker [tsv::incr pytest_tcltest $prefix]
    lappend thread $worker
    append prefix ${worker}::
}
