"""Tcl test suites whose totals tclsh does not print, or whose tests have the names of others."""

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
