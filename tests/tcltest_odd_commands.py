"""Tcl test suites that replace, trace or hook into commands of Tcl and tcltest."""

from tests.tcltest_odd_children import SAFE

# Tests of each status, in a child, too.
_OF_EACH_STATUS = r"""
test r-1 {} {interp create kid; expr 1} 1
test r-2 {} {expr 1} 2
test r-3 {} nowhere {expr 1} 2
test r-4 {} -setup {set x 1} -body {set x} -result 1
kid eval {package require tcltest; tcltest::test k-1 {} {expr 1} 2; tcltest::cleanupTests}
cleanupTests
"""

# Each is a whole file but for HEAD, with the tests that the plugin warns of; None where their names differ.
COMMANDS = {
    "renames": (
        r"""
        rename ::tcltest::test ::tcltest::theirs
        proc ::tcltest::test args {uplevel 1 [list ::tcltest::theirs {*}$args]}
        test r-1 {} {expr 1} 1
        test r-3 {} {expr 1} 2
        rename ::tcltest::cleanupTests ::tcltest::fin
        ::tcltest::fin
        test r-4 {} {expr 1} 1
        ::tcltest::fin
        """,
        [],
    ),
    "replaces_cleanup": (
        r"""
        rename ::tcltest::cleanupTests ::tcltest::theirs
        proc ::tcltest::cleanupTests args {puts bye; tailcall ::tcltest::theirs {*}$args}
        interp create kid
        tcltest::loadIntoChildInterpreter kid
        kid eval {
          rename ::tcltest::cleanupTests ::tcltest::theirs
          proc ::tcltest::cleanupTests args {puts bye; tailcall ::tcltest::theirs {*}$args}
          tcltest::test k-1 {} {expr 1} 1
          tcltest::cleanupTests
          tcltest::test k-2 {} {expr 1} 2
          tcltest::cleanupTests
        }
        test r-1 {} {expr 1} 1
        ::tcltest::cleanupTests
        """,
        [],
    ),
    "replaces_interp": (
        r"""
        rename interp terp
        proc interp args {uplevel 1 [list terp {*}$args]}
        interp create kid
        kid eval {package require tcltest; tcltest::test k-1 {} {expr 1} 1; tcltest::cleanupTests}
        rename kid renamed
        renamed eval {tcltest::test k-2 {} {expr 1} 1; tcltest::cleanupTests}
        interp create kid2
        kid2 eval {
            rename package pkg
            proc package args {uplevel 1 [list pkg {*}$args]}
            package require tcltest
            tcltest::test k-1 {} {expr 1} 1
            tcltest::cleanupTests
        }
        cleanupTests
        """,
        [],
    ),
    "replaces_puts": (
        r"""
        rename puts _puts
        proc puts args {if {[lindex $args 0] ne "nothing"} {_puts {*}$args}}
        test p-1 {} -body {puts hello} -output hello\n
        rename puts {}
        rename _puts puts
        test p-2 {} -body {puts hello} -output hello\n
        test p-4 {} -body {expr 1} -result 2
        cleanupTests
        """,
        [],
    ),
    "loads_tcltest_again": (
        r"""
        test r-1 {} {expr 1} 1
        cleanupTests
        namespace delete ::tcltest
        package forget tcltest
        package require tcltest
        namespace import -force ::tcltest::*
        test r-2 {} {expr 1} 1
        test r-3 {} {expr 1} 2
        cleanupTests
        """,
        [],
    ),
    "hooks": (
        r"""
        proc ::tcltest::SetupTest {script} {uplevel 1 $script}
        proc ::tcltest::EvalTest {script} {uplevel 1 $script}
        proc ::tcltest::CleanupTest {script} {uplevel 1 $script; incr ::cleaned}
        test k-1 {} -setup {set x 1} -body {set x} -result 1
        test k-2 {} -setup {set x 1} -body {set x} -cleanup {unset x} -result 2
        test k-3 {} {set ::cleaned} 2
        proc ::tcltest::SetupTest {script} {error -code}
        test k-4 {} -body {set x} -result 1
        rename ::tcltest::SetupTest {}
        cleanupTests
        """,
        [],
    ),
    "cleans_in_the_hook": (
        r"""
        test x-1 {} {expr 1} 1
        proc ::tcltest::cleanupTestsHook {} {
            test x-2 {} {expr 1} 1
            proc ::tcltest::cleanupTestsHook {} {}
            cleanupTests
        }
        cleanupTests
        test x-3 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
    "traces": (
        r"""
        trace add execution ::tcltest::test enter {apply {{c o} {lappend ::seen [lindex $c 1]}}}
        test t-1 {} {expr 1} 1
        test t-2 {} {set ::seen} {t-1 t-2}
        trace add variable ::tcltest::numTests write {apply {{a i o} {incr ::w}}}
        test t-3 {} {expr 1} 1
        cleanupTests
        test t-4 {} {expr {$::w > 3}} 1
        cleanupTests
        """,
        [],
    ),
    "by_unknown_and_objects": (
        r"""
        proc unknown args {
            if {[string match chk* [lindex $args 0]]} {
                return [uplevel 1 [list test [lindex $args 0] {} {expr 1} [lindex $args 1]]]
            }
            error "what? $args"
        }
        chk-1 1
        chk-2 2
        oo::class create Unit {
            variable n
            method unknown {name args} {uplevel 1 [list ::tcltest::test o-[incr n] $name {*}$args]}
            forward finish ::tcltest::cleanupTests
        }
        Unit create unit
        unit adds {expr 1 + 1} 2
        unit {does not} {expr 1 + 1} 3
        namespace eval ::tcltest {namespace ensemble create}
        tcltest test e-1 {} {nosuch} {what? nosuch}
        unit finish
        """,
        [],
    ),
    "hook_fails": (
        r"""
        test h-1 {} {expr 1} 1
        proc ::tcltest::cleanupTestsHook {} {error hooked}
        catch {cleanupTests}
        proc ::tcltest::cleanupTestsHook {} {}
        test h-2 {} {expr 1} 2
        cleanupTests
        """,
        [],
    ),
    "leaves_a_variable_trace": (
        r"""
        proc heat {args} {test w-[incr ::heated] {in a trace} {expr 1} 1}
        trace add variable hot write heat
        set hot 1
        test b-1 {that sets it} {set ::hot 2} 3
        cleanupTests
        """,
        [],
    ),
    "replaces_commands_that_are_traced": (
        r"""
        foreach command {source package interp} {
            rename $command _$command
            proc $command args [string map [list @ $command] {
                lappend ::calls [list @ {*}$args]
                uplevel 1 [list ::_@ {*}$args]
            }]
        }
        set calls {}
        interp create kid
        kid eval {
            package require tcltest
            tcltest::test k-1 {} {expr 1} 1
            tcltest::test k-2 {} {expr 1} 2
            interp create -safe sub
            tcltest::cleanupTests
        }
        package present Tcl
        interp delete kid
        test r-1 {} {set ::calls} {{interp create kid} {package present Tcl} {interp delete kid}}
        test r-2 {} {namespace eval :: {namespace export}} {}
        cleanupTests
        """,
        [],
    ),
    "puts_aliases_in_the_place_of_what_tcl_is_made_of": (
        r"""
        proc by_alias {command} {
            rename $command _$command
            interp alias {} $command {} _$command
        }
        foreach command {
            catch concat dict expr foreach if incr info join lappend lassign lindex linsert list llength
            lmap lrange lsearch namespace package proc regexp set source string switch trace uplevel upvar
            variable while
        } {
            by_alias $command
        }
        """
        + _OF_EACH_STATUS,
        [],
    ),
    "puts_procedures_in_the_place_of_what_tcl_is_made_of": (
        r"""
        proc by_procedure {command} {
            rename $command _$command
            proc $command args [string map [list @ $command] {uplevel 1 [linsert $args 0 _@]}]
        }
        foreach command {dict expr incr info lassign lindex lmap namespace regexp set trace while foreach} {
            by_procedure $command
        }
        """
        + _OF_EACH_STATUS,
        [],
    ),
    "counts_calls_of_its_own_list": (
        r"""
        rename list _list
        proc list args {incr ::calls; uplevel 1 [linsert $args 0 _list]}
        set calls 0
        test l-1 {as many as tcltest's own} {set calls} 3
        test l-2 {} {set calls} 8
        cleanupTests
        """,
        [],
    ),
    "hides_what_files_and_threads_need": (
        r"""
        test h-0 {} {expr 1} 1
        rename tailcall _tailcall
        interp hide {} upvar
        test h-1 {} {::tcltest::makeFile {} h.txt; ::tcltest::removeFile h.txt} {}
        test h-2 {} {
            package require Thread
            thread::join [thread::create -joinable {expr 1}]
        } 0
        set thread [thread::create]
        thread::send $thread {
            interp hide {} lreplace
            package require tcltest
            tcltest::test t-1 {} {expr 1} 2
            tcltest::cleanupTests
        }
        interp expose {} upvar
        cleanupTests
        """,
        [],
    ),
    "replaces_flush_and_open": (
        r"""
        proc note args {incr ::calls}
        set calls 0
        trace add execution flush enter note
        test f-1 {} {set calls} 0
        rename flush {}
        rename open {}
        proc flush {channel} {note}
        test f-2 {} {flush stdout; set calls} 1
        test f-3 {} {set calls} 1
        interp create kid
        kid eval {package require tcltest; tcltest::test k-1 {} {expr 1} 1; tcltest::cleanupTests}
        cleanupTests
        """,
        [],
    ),
    "loads_tcltest_again_before_totals": (
        r"""
        set again {
            namespace delete ::tcltest
            package forget tcltest
            package require tcltest
            namespace import -force ::tcltest::*
        }
        test r-1 {} {expr 1} 1
        test r-2 {} {expr 1} 1
        eval $again
        test r-3 {} {expr 1} 1
        test r-4 {} {expr 1} 1
        interp create kid
        kid eval {package require tcltest; namespace import ::tcltest::*}
        kid eval {test k-1 {} {expr 1} 1}
        kid eval $again
        kid eval {test k-2 {} {expr 1} 1; cleanupTests}
        cleanupTests
        """,
        ["r-1, r-2, kid::k-1"],
    ),
    "wraps_skipped": (
        SAFE
        + r"""
        test s-1 {} {expr 1} 1
        set wrap {
            rename ::tcltest::Skipped ::tcltest::_Skipped
            proc ::tcltest::Skipped {name constraints} {
                if {[string match slow* $name]} {return 1}
                return [_Skipped $name $constraints]
            }
        }
        eval $wrap
        test s-2 {} {expr 1} 1
        test slow-1 {} {expr 1} 1
        test s-3 {} {expr 1} 2
        test s-4 {} nope {expr 1} 2
        rename ::tcltest::Skipped ::tcltest::OfTheSuite
        rename ::tcltest::_Skipped ::tcltest::Skipped
        test slow-2 {} {expr 1} 1
        interp alias {} ::tcltest::_Skipped {} ::tcltest::Skipped
        rename ::tcltest::Skipped ::tcltest::Theirs
        interp alias {} ::tcltest::Skipped {} ::tcltest::Theirs
        test s-5 {} nope {expr 1} 2
        rename ::tcltest::Skipped {}
        catch {test s-6 {} {expr 1} 1}
        incr ::tcltest::testLevel -1
        rename ::tcltest::Theirs ::tcltest::Skipped
        safe kid
        interp expose kid source
        interp create other
        foreach child {kid other} {
            tcltest::loadIntoChildInterpreter $child
            $child eval $wrap
            $child eval {
                tcltest::test c-1 {} {expr 1} 1
                tcltest::test slow-1 {} {expr 1} 1
                tcltest::test c-2 {} nope {expr 1} 1
                tcltest::cleanupTests
            }
        }
        cleanupTests
        """,
        ["slow-1, kid::slow-1, other::slow-1"],
    ),
    "copies_skipped": (
        r"""
        proc ::tcltest::Skipped {name constraints} "incr ::asked\n[info body ::tcltest::Skipped]"
        test s-1 {} {expr 1} 1
        test s-2 {} nope {expr 1} 1
        test s-3 {} {set ::asked} 3
        proc ::tcltest::Skipped args {
            incr ::tcltest::numTests(Total)
            return 0
        }
        test s-4 {} {expr 1} 1
        test s-5 {} nope {expr 1} 2
        cleanupTests
        """,
        [],
    ),
    "looks_at_skipped": (
        r"""
        proc returned {command code result op} {lappend ::results $result}
        trace add execution ::tcltest::Skipped leave returned
        test s-1 {} {expr 1} 1
        test s-2 {} nope {expr 1} 1
        test s-3 {} {set ::results} {0 1 0}
        trace remove execution ::tcltest::Skipped leave returned
        rename ::tcltest::Skipped ::tcltest::_Skipped
        proc ::tcltest::Skipped {name constraints} {
            upvar 1 body body
            if {[string match *never* $body]} {lappend constraints nope}
            tailcall _Skipped $name $constraints
        }
        test s-4 {} {never} 1
        test s-5 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
    "replaces_commands_by_aliases": (
        r"""
        interp create kid
        foreach name {expr lassign lindex list string} {
            foreach child {{} kid} {
                interp eval $child [list rename $name _$name]
                interp alias $child $name $child _$name
            }
        }
        interp create other
        test r-1 {} {string length [list a [kid eval {set x 1}]]} 3
        test r-2 {} {expr 1} 2
        cleanupTests
        """,
        [],
    ),
    "deletes_test_while_it_runs": (
        r"""
        interp create kid
        catch {interp eval kid {
            package require tcltest; namespace import ::tcltest::*
            test k-1 d {
                rename ::tcltest::test {}
                nosuch
            } 1
        }}
        kid eval {cleanupTests}
        test d-1 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
    "deletes_what_looks_at_levels": (
        r"""
        test d-1 {} {expr 1} 1
        cleanupTests
        rename dict {}
        exit
        """,
        [],
    ),
    "asks_skipped": (
        r"""
        test s-1 {} {::tcltest::Skipped other {}} 0
        test s-2 {} {::tcltest::Skipped other nowhere} 1
        test s-3 {} {expr 1} 2
        cleanupTests
        """,
        None,
    ),
    "replaces_skipped": (
        r"""
        proc ::tcltest::Skipped {name constraints} {
            variable numTests
            incr numTests(Total)
            return [string match slow* $name]
        }
        test s-1 {} {expr 1} 1
        test slow-1 {} {expr 1} 1
        test s-2 {} nope {expr 1} 2
        namespace eval mine {
            namespace export Skipped
            proc Skipped args {set ::tcltest::numTests(Total) 9; expr 0}
        }
        test s-3 {} {expr 1} 1
        namespace eval ::tcltest {namespace import -force ::mine::Skipped}
        test slow-2 {} {expr 1} 2
        cleanupTests
        """,
        ["slow-1"],
    ),
    "deletes_all_namespaces": (
        r"""
        test n-1 {} {expr 1} 1
        cleanupTests
        test n-2 {} {trace info command interp} {}
        cleanupTests
        rename interp other
        other hide {} package
        namespace delete {*}[lsearch -all -inline -not [namespace children ::] ::tcl]
        other expose {} package
        other create kid
        package require Tcl
        source /dev/null
        """,
        [],
    ),
    "has_tcltest_in_the_path_of_a_namespace": (
        r"""
        namespace eval suite {
            namespace path ::tcltest
            test p-1 {} -body open -returnCodes error -match glob -result {wrong # args: should be "open *"}
            test p-2 {} -body close -returnCodes error -match glob -result {wrong # args: should be "close *"}
            test p-3 {} {namespace which open} ::open
            test p-4 {} {catch {open /nowhere/x}; lindex [split $::errorInfo \n] 2} {"open /nowhere/x"}
            cleanupTests
        }
        """,
        [],
    ),
    "looks_for_the_namespace_and_the_package_torch": (
        r"""
        testConstraint torch [namespace exists ::torch]
        test t-1 {} torch {expr 1} 1
        test t-2 {} {catch {package require torch::tcltest}} 1
        cleanupTests
        """,
        [],
    ),
    "renames_configure_and_skips": (
        r"""
        configure -skip s-1
        rename ::tcltest::configure {}
        test s-1 {} {expr 1} 1
        test s-2 {} nowhere {expr 1} 1
        test s-3 {} {expr 1} 2
        cleanupTests
        """,
        [],
    ),
    "unsets_what_a_test_has_written": (
        r"""
        test w-1 {} -setup {unset ::tcltest::outData; error early} -body {puts x} -output x
        test w-2 {} -setup {unset ::tcltest::errData; error early} -body {puts x} -errorOutput x
        test w-3 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
}
