"""Tcl test suites with tests in threads."""

# Each is a whole file but for HEAD, with the tests that the plugin warns of; None where their names differ.
THREADS = {
    "messages_on_wrong_words": (
        r"""
        package require Thread
        test t-1 {} -body {thread::create a b c d} -returnCodes 1 -match glob -result {*"thread::create *}
        test t-2 {} -body {tpool::create -initcmd {} a} -returnCodes 1 -match glob -result {*"tpool::create *}
        cleanupTests
        """,
        [],
    ),
    "threads": (
        r"""
        package require Thread
        test m-1 {} {expr 1} 1
        set t [thread::create -joinable {
            package require tcltest
            tcltest::test t-1 {} {expr 1} 1
            tcltest::test t-2 {} nowhere {expr 1} 1
            tcltest::test t-3 {} {expr 1} 2
            tcltest::cleanupTests
            tcltest::test t-4 {} {expr 1} 1
            tcltest::cleanupTests
        }]
        thread::join $t
        cleanupTests
        """,
        [],
    ),
    "threads_and_bodies": (
        r"""
        package require Thread
        set t [thread::create]
        thread::send $t {package require tcltest; namespace import tcltest::*}
        thread::send $t {test t-1 {} {expr 1} 1}
        test m-1 {} {thread::send $t {test t-2 {} {expr 1} 2}; expr 1} 1
        test m-2 {} {
            thread::join [thread::create -preserved -joinable {
                package require tcltest
                tcltest::test u-1 {} {expr 1} 1
                tcltest::cleanupTests
                thread::join [thread::create -joinable -- {
                    package require tcltest
                    tcltest::test u-1 {in a thread of a thread} {expr 1} 1
                    tcltest::cleanupTests
                    thread::exit
                }]
                interp create kid
                kid eval {
                    package require tcltest
                    tcltest::test u-1 {in a child in a thread} {expr 1} 2
                    tcltest::cleanupTests
                }
            }]
        } 0
        thread::send $t {cleanupTests}
        thread::release $t
        cleanupTests
        """,
        [],
    ),
    "many_threads": (
        r"""
        package require Thread
        set script {
            package require tcltest
            foreach n {0 1 2 3 4 5 6 7 8 9} {
                tcltest::test t-$id.$n {} {after [expr {int(rand() * 5)}]; expr {$::n % 5 < 4}} 1
            }
            tcltest::cleanupTests
        }
        foreach id {1 2 3} {
            lappend all [thread::create -joinable "set id $id; $script"]
        }
        foreach n {0 1 2 3 4 5 6 7 8 9} {
            test m-$n {} {after 3; expr 1} 1
        }
        foreach t $all {thread::join $t}
        cleanupTests
        """,
        [],
    ),
    "thread_pool": (
        r"""
        package require Thread
        tsv::set pool ended 0
        set pool [tpool::create -minworkers 2 -maxworkers 2 -initcmd {
            package require tcltest
            namespace import tcltest::*
        } -exitcmd {
            cleanupTests
            tsv::incr pool ended
        }]
        foreach n {1 2 3 4 5 6} {
            lappend jobs [tpool::post $pool [list test p-$n {} {after 20; expr 1} 1]]
        }
        foreach job $jobs {
            tpool::wait $pool $job
        }
        tpool::release $pool
        while {[tsv::get pool ended] < 2} {
            after 10
        }
        test m-1 {} {expr 1} 1
        cleanupTests
        """,
        None,
    ),
    "thread_that_reports": (
        r"""
        package require Thread
        test m-1 {} {expr 1} 1
        set t [thread::create -joinable [string map [list MAIN [thread::id]] {
            package require tcltest
            proc ::tcltest::ReportToParent args {
                thread::send MAIN [list ::tcltest::ReportedFromChild {*}$args]
            }
            tcltest::test t-1 {} {expr 1} 1
            tcltest::test t-2 {} {expr 1} 2
            tcltest::cleanupTests
            thread::send -async MAIN {set done 1}
        }]]
        vwait done
        thread::join $t
        cleanupTests
        """,
        [],
    ),
    "thread_without_totals": (
        r"""
        package require Thread
        test m-1 {} {expr 1} 1
        thread::join [thread::create -joinable {
            package require tcltest
            tcltest::test t-1 {} {expr 1} 1
        }]
        cleanupTests
        """,
        ["thread::t-1"],
    ),
    "children_of_threads": (
        r"""
        package require Thread
        thread::join [thread::create -joinable {
            package require tcltest
            interp create kid
            tcltest::loadIntoChildInterpreter kid
            kid eval {
                tcltest::test k-1 {} {expr 1} 1
                tcltest::cleanupTests
                tcltest::test k-2 {} {expr 1} 2
                tcltest::cleanupTests
            }
            interp create -safe safe
            tcltest::cleanupTests
        }]
        test m-1 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
    "closes_standard_channels_in_a_thread": (
        r"""
        package require Thread
        set t [thread::create]
        thread::send $t {
            package require tcltest
            namespace import tcltest::*
            test t-1 {} {close stdin} {}
            test t-2 {} {open /dev/null} stdin
            test t-3 {} {lsort [chan names]} {stderr stdin stdout}
            cleanupTests
        }
        test c-1 {} {close stdin; open /dev/null} stdin
        thread::release $t
        cleanupTests
        """,
        [],
    ),
    "threads_with_long_results": (
        r"""
        package require Thread
        foreach n {1 2 3} {
            lappend threads [thread::create -joinable {
                package require tcltest
                namespace import tcltest::*
                foreach n {1 2 3 4} {
                    test t-$n {} {string repeat x 3000000} 1
                }
                cleanupTests
            }]
        }
        foreach thread $threads {thread::join $thread}
        cleanupTests
        """,
        [],
    ),
}
