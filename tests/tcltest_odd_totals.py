"""Tcl test suites whose totals tclsh does not print, or whose tests have the names of others."""

# The same tcltest, as a suite that has a copy of its own may call it.
ANOTHER = """
set f [open [lindex [package ifneeded tcltest [package provide tcltest]] end]]
eval [string map {"namespace eval tcltest" "namespace eval other" tcltest:: other::} [read $f]]
close $f
"""

# Each is a whole file but for HEAD, with the tests that the plugin warns of; None where their names differ.
TOTALS = {
    "child_whose_puts_is_an_alias": (
        r"""
        proc report args {append ::text [lindex $args end]; return}
        test p-1 {} {
            interp create probe
            probe alias puts report
            probe eval {package require tcltest; ::tcltest::test x-1 {} {expr 1} 1; ::tcltest::cleanupTests}
            regexp {Passed.1} $::text
        } 1
        interp create other
        other alias puts report
        other eval {package require tcltest; ::tcltest::test y-1 {} {expr 1} 1; ::tcltest::cleanupTests}
        test p-2 {} {regexp :.*: $::text} 1
        cleanupTests
        """,
        ["p-1::probe::x-1, other::y-1"],
    ),
    "child_whose_puts_adds_something": (
        r"""
        proc log args {puts "log: [lindex $args end]"}
        interp create kid
        kid alias puts log
        kid eval {package require tcltest; ::tcltest::test k-1 {} {expr 1} 2; ::tcltest::cleanupTests}
        test p-1 {} {expr 1} 1
        cleanupTests
        puts "a.test:\tTotal\t1\tPassed\t0\tSkipped\t0\tFailed\t1" ;# else not read here
        """,
        [],
    ),
    "children_that_report_to_one_without_puts": (
        r"""
        interp create kid
        kid eval {
            package require tcltest
            proc ::tcltest::puts args {}
            interp create grandchild
            ::tcltest::loadIntoChildInterpreter grandchild
            ::tcltest::test k-1 {} {expr 1} 1
            grandchild eval {::tcltest::test g-1 {} {expr 1} 1; ::tcltest::cleanupTests}
            ::tcltest::cleanupTests
            grandchild eval {::tcltest::cleanupTests}
            ::tcltest::cleanupTests
        }
        test p-1 {} {expr 1} 1
        cleanupTests
        """,
        None,
    ),
    "modes_in_children": (
        r"""
        interp create kid
        kid eval {
            package require tcltest
            ::tcltest::test k-1 {} {namespace exists ::torch} 0
            ::tcltest::test k-2 {} {catch {package require torch::tcltest}} 1
            ::tcltest::cleanupTests
        }
        cleanupTests
        """,
        [],
    ),
    "totals_that_only_a_file_has": (
        r"""
        test p-1 {} {expr 1} 2
        cleanupTests
        configure -outfile totals
        test p-2 {} {expr 1} 1
        cleanupTests
        configure -outfile stdout
        test p-3 {} {expr 1} 1
        cleanupTests
        """,
        ["p-2"],
    ),
    "totals_in_two_bytes_a_character": (
        r"""
        test p-1 {} {expr 1} 1
        cleanupTests
        fconfigure stdout -encoding unicode
        test p-2 {} {expr 1} 1
        cleanupTests
        fconfigure stdout -encoding utf-8
        puts "\na.test:\tTotal\t1\tPassed\t1\tSkipped\t0\tFailed\t0" ;# else not read here
        """,
        [],
    ),
    "program_that_prints_totals": (
        r"""
        test p-1 {} {expr 1} 1
        puts -nonewline [exec [info nameofexecutable] << {
            package require tcltest
            ::tcltest::test k-1 {} {expr 1} 1
            ::tcltest::test k-2 {} {expr 1} 2
            ::tcltest::test k-3 {} nope {expr 1} 1
            ::tcltest::cleanupTests
            exit
        } 2>@stderr]
        test p-2 {} {expr 1} 2
        cleanupTests
        """,
        ["(counted) (3 times)"],
    ),
    "totals_that_a_suite_reads_from_a_file": (
        r"""
        interp create kid
        kid eval {
            package require tcltest
            ::tcltest::configure -outfile kid.out
            ::tcltest::test k-1 {} {expr 1} 2
            ::tcltest::cleanupTests
        }
        test p-1 {} {expr 1} 1
        set f [open kid.out]
        puts -nonewline [read $f]
        close $f
        file delete kid.out
        cleanupTests
        """,
        None,
    ),
    "tcltest_of_another_name": (
        f"""
        {ANOTHER}
        test p-1 {{}} {{expr 1}} 1
        other::test o-1 {{}} {{expr 1}} 1
        other::test o-2 {{}} {{expr 1}} 2
        other::cleanupTests
        cleanupTests
        """,
        ["(counted) (2 times)"],
    ),
    "only_a_tcltest_of_another_name": (
        f"""
        {ANOTHER}
        other::test o-1 {{}} {{expr 1}} 1
        other::test o-2 {{}} nope {{expr 1}} 2
        other::cleanupTests
        """,
        ["(counted) (2 times)"],
    ),
    "results_that_only_a_script_has_counted": (
        r"""
        array set ::tcltest::numTests {Total 3 Passed 2 Failed 1}
        cleanupTests
        """,
        ["(counted) (3 times)"],
    ),
    "counts_that_begin_anew_between_tests": (
        r"""
        test p-1 {} {expr 1} 1
        test p-2 {} {expr 1} 1
        foreach array [info vars ::tcltest::num*] {
            foreach count [array names $array] {set ${array}($count) 0}
        }
        test p-3 {} {expr 1} 2
        cleanupTests
        """,
        ["p-1, p-2"],
    ),
    "totals_that_never_come_beside_some_that_do": (
        r"""
        proc report args {}
        interp create probe
        probe alias puts report
        probe eval {package require tcltest; ::tcltest::test x-1 {} {expr 1} 1; ::tcltest::cleanupTests}
        rename puts write
        proc puts args {append ::text [lindex $args end] [expr {[llength $args] > 1 ? "" : "\n"}]}
        test p-1 {} {expr 1} 1
        test p-2 {} {expr 1} 2
        cleanupTests
        write $text
        """,
        ["probe::x-1"],
    ),
    "own_copy_of_skipped": (
        r"""
        proc ::tcltest::first [info args ::tcltest::Skipped] [info body ::tcltest::Skipped]
        proc ::tcltest::Skipped {name constraints} {
            expr {[string match slow* $name] || [uplevel 1 [list ::tcltest::first $name $constraints]]}
        }
        test p-1 {} {expr 1} 1
        test p-2 {} nope {expr 1} 2
        test p-3 {} {expr 1} 2
        cleanupTests
        """,
        [],
    ),
    "totals_that_come_at_the_end": (
        r"""
        rename puts write
        proc puts {args} {
            append ::text [lindex $args end]
            if {[lindex $args 0] ne "-nonewline"} {append ::text \n}
        }
        test p-1 {} {expr 1} 1
        test p-2 {} {expr 1} 2
        cleanupTests
        test p-3 {} {expr 1} 1
        cleanupTests
        write $text
        """,
        [],
    ),
    "totals_in_a_log_that_is_printed": (
        r"""
        set log [file normalize p.log]
        if {[file exists $log]} {set before [file size $log]} else {set before 0}
        configure -outfile $log
        test p-1 {} {expr 1} 1
        cleanupTests
        configure -outfile stdout
        set f [open $log]
        seek $f $before
        puts [read $f]
        close $f
        test p-2 {} {expr 1} 2
        cleanupTests
        """,
        [],
    ),
    "copies_in_another_namespace": (
        r"""
        namespace eval other {}
        foreach command [info procs ::tcltest::*] {
            set names [lmap name [info args $command] {
                if {[info default $command $name default]} {list $name $default} else {set name}
            }]
            proc other::[namespace tail $command] $names [info body $command]
        }
        foreach name [info vars ::tcltest::*] {
            set copy other::[namespace tail $name]
            if {[array exists $name]} {array set $copy [array get $name]} else {set $copy [set $name]}
        }
        set other::testConstraints(fast) 1
        other::test o-1 {} fast {expr 1} 2
        other::test o-2 {} {expr 1} 1
        other::cleanupTests
        test p-1 {} {expr 1} 1
        cleanupTests
        """,
        ["(counted) (2 times)"],
    ),
    "test_named_as_one_of_a_child": (
        r"""
        interp create kid
        kid eval {package require tcltest}
        test kid::load-1 {} {expr 1} 2
        kid eval {::tcltest::test load-1 {} {expr 1} 1; ::tcltest::cleanupTests}
        test kid::load-2 {} {expr 1} 1
        kid eval {::tcltest::test load-2 {} {expr 1} 2; ::tcltest::cleanupTests}
        cleanupTests
        """,
        [],
    ),
    "test_named_as_one_of_a_thread": (
        r"""
        package require Thread
        test thread::create-1 {} {expr 1} 2
        thread::send [thread::create] {
            package require tcltest
            ::tcltest::test create-1 {} {expr 1} 1
            ::tcltest::cleanupTests
        }
        cleanupTests
        """,
        [],
    ),
    "test_named_as_one_of_a_bodys_child": (
        r"""
        test b-1 {} {
            interp create kid
            kid eval {package require tcltest; ::tcltest::test k-1 {} {expr 1} 1; ::tcltest::cleanupTests}
        } {}
        test b-1::kid::k-1 {} {expr 1} 2
        cleanupTests
        """,
        [],
    ),
}
