"""Tcl test suites that call tcltest in odd ways, to compare the pytest plugin's counts with tclsh's."""

from tests.tcltest_odd_children import CHILDREN
from tests.tcltest_odd_commands import COMMANDS
from tests.tcltest_odd_files import FILES
from tests.tcltest_odd_threads import THREADS
from tests.tcltest_odd_totals import TOTALS

# Each is a whole file but for HEAD, with the tests that the plugin warns of; None where their names differ.
CALLS = {
    "cleaned_in_a_body": (
        r"""
        test b-1 {} {expr 1} 1
        test b-2 {} nowhere {expr 1} 1
        test b-3 {calls the last} -body {cleanupTests; expr 1} -result 1
        """,
        ["b-3"],
    ),
    "cleaned_in_setup_and_cleanup": (
        r"""
        test b-1 {} {expr 1} 1
        test b-2 {} -setup {cleanupTests} -body {expr 1} -cleanup {cleanupTests} -result 1
        """,
        ["b-2"],
    ),
    "coroutines": (
        r"""
        proc gen {} {
            yield
            test c-1 {in a coroutine} {expr 1} 1
            test c-2 {yields} -body {yield; expr 1} -result 1
            test c-3 {fails} {expr 1} 2
        }
        coroutine go gen
        go
        test c-4 {while the other is on} {expr 1} 1
        go
        test c-5 {} {expr 1} 1
        coroutine a apply {{} {test c-6 {} {yield; expr 1} 1}}
        coroutine b apply {{} {test c-7 {} {yield; expr 1} 1}}
        a
        b
        coroutine never apply {{} {test c-8 {} {yield; expr 1} 1}}
        test c-9 {} {expr 1} 2
        cleanupTests
        """,
        ["c-8"],
    ),
    "events": (
        r"""
        set left 3
        foreach n {1 2 3} {
            after [expr {$n * 10}] [list apply {n {
                ::tcltest::test e-$n {} [list expr $n % 2] 1
                incr ::left -1
            }} $n]
        }
        while {$left} {vwait left}
        test e-4 {with events inside} {
            after 1 {tcltest::test e-5 {} {expr 1} 2; set ::done 1}
            vwait ::done
            expr 1
        } 1
        after 1 {tcltest::test e-6 {} {expr 1} 2}
        cleanupTests
        """,
        [],
    ),
    "frames": (
        r"""
        proc p {} {uplevel #0 {test u-1 {} {expr 1} 1}}
        p
        apply {{} {uplevel 1 {test u-2 {} {expr 1} 2}}}
        oo::class create C {
            constructor {} {::tcltest::test u-3 {} {expr 1} 1}
            method m {} {::tcltest::test u-4 {} {self} [self]}
            destructor {::tcltest::test u-5 {} {expr 1} 1}
        }
        set c [C new]
        $c m
        $c destroy
        eval {test u-6 {} {expr 1} 1}
        namespace eval a::b {::test u-7 {} {namespace current} ::a::b}
        trace add variable v write {apply {args {::test u-8 {} {expr 1} 1}}}
        set v 1
        foreach x {1 2} {if {1} {switch a {a {test u-9.$x {} {expr 1} 1}}}}
        try {test u-10 {} {error x} x} finally {test u-11 {} -returnCodes error -body {error x} -result x}
        interp alias {} viaalias {} test
        viaalias u-12 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
    "configures": (
        r"""
        test f-1 {} {expr 1} 1
        configure -match {f-* g-*} -skip f-2
        test f-2 {} {expr 1} 1
        test f-3 {} {expr 1} 1
        test h-1 {} {expr 1} 1
        configure -match h-*
        test f-4 {} {expr 1} 1
        test h-1 {} {expr 1} 2
        configure -match * -skip {}
        test f-5 {} {expr 1} 1
        configure -verbose {pass skip start error line body msec usec}
        test f-6 {} {expr 1} 1
        test f-7 {} nowhere {expr 1} 1
        test f-8 {} {expr 1} 2
        configure -verbose {}
        test f-9 {} {expr 1} 2
        configure -limitconstraints 1 -constraints {a b}
        test f-10 {} {expr 1} 1
        test f-11 {} a {expr 1} 1
        test f-12 {} {a c} {expr 1} 1
        test f-13 {} {a || c} {expr 1} 1
        testConstraint c 1
        test f-14 {} {a c} {expr 1} 1
        configure -limitconstraints 0
        testConstraint c 0
        test f-15 {} {a c} {expr 1} 1
        test f-16 {} {[info exists x]} {expr 1} 1
        test f-17 {} {$a && b} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
    "odd_names": (
        r"""
        foreach name {
            {} { } {a b} a::b a::b::c ::a :: ::: a::: {a[1]} {a[2]} {a]} {[x]} {a\nb} "a\nb" "a\tb" "a\x01b"
            é 日本 "\u202e" a/b ../a a.test::b (file) {$x} "a;b" -k - "\"" ' {{}} "\{" "a\\" *?
        } {
            test $name $name {expr 1} 1
            test $name $name nowhere {expr 1} 1
            test $name "\n$name\n" {expr 1} 2
        }
        cleanupTests
        """,
        [],
    ),
    "odd_arguments": (
        r"""
        test e-1 {} {expr 1} 1
        catch {test e-2 {} -body {expr 1} -match nope -result 1}
        catch {test e-3 {} -bodyy 1}
        catch {test e-4 {}}
        catch {test}
        catch {test e-5 {} 1 2 3 4 5}
        catch {test e-6 {} "-body \{"}
        test e-7 {} {expr 1} 1
        test e-8 {} "\{" {}
        cleanupTests
        """,
        [],
    ),
    "without_results": (
        r"""
        test l-1 {} {set ::tcltest::testLevel} 1
        test l-2 {} {set ::tcltest::testLevel 0; expr 1} 1
        test l-3 {} {expr 1} 1
        set ::tcltest::testLevel 0
        test l-4 {} {set ::tcltest::testLevel 0; test l-5 {} {expr 1} 2; expr 1} 1
        set ::tcltest::testLevel 0
        test l-6 {} {expr 1} 1
        cleanupTests
        """,
        ["l-3", "l-2, l-4"],
    ),
    "stuck": (
        r"""
        test n-1 {} {
            test n-2 {} {expr 1} 2
            catch {test n-3 {} "-body \{"}
            expr 1
        } 1
        test n-4 {} {expr 1} 1
        cleanupTests
        """,
        ["n-4", "n-1"],
    ),
    "cancels": (
        r"""
        proc cancelled {} {interp cancel; while 1 {set x 1}}
        test x-1 {} -body {cancelled} -returnCodes error -result {eval canceled}
        test x-2 {} -body {catch {cancelled} message; set message} -result {eval canceled}
        test x-3 {} {expr 1} 2
        cleanupTests
        """,
        [],
    ),
    "counts_for_a_constraint": (
        r"""
        test c-1 {} {expr 1} 2
        testConstraint good [expr {$::tcltest::numTests(Failed) == 0}]
        test c-2 {} good {expr 1} 1
        if {$::tcltest::numTests(Failed)} {
            test c-3 {only after a failure} {set ::tcltest::numTests(Total)} 3
        }
        cleanupTests
        """,
        [],
    ),
    "counts_more_than_its_tests": (
        r"""
        test c-1 {} {expr 1} 1
        if {[catch {package require nowhere}]} {
            incr ::tcltest::numTests(Total) 2
            incr ::tcltest::numTests(Skipped) 2
        }
        test c-2 {} {
            incr ::tcltest::numTests(Total) 4
            incr ::tcltest::numTests(Passed) 3
            incr ::tcltest::numTests(Failed)
        } 1
        cleanupTests
        test c-3 {} {expr 1} 1
        array set ::tcltest::numTests {Total 4 Passed 3 Failed 1}
        cleanupTests
        """,
        ["(counted) (9 times)"],
    ),
    "counts_less_than_its_tests": (
        r"""
        test c-1 {} {expr 1} 1
        test c-2 {} {set ::tcltest::numTests(Passed) 0; expr 1} 1
        test c-3 {} nowhere {expr 1} 1
        incr ::tcltest::numTests(Skipped) -1
        cleanupTests
        test c-4 {} {expr 1} 1
        cleanupTests
        """,
        None,
    ),
    "counts_anew": (
        r"""
        test c-1 {} {expr 1} 1
        unset ::tcltest::numTests
        array set ::tcltest::numTests {Total 0 Passed 0 Skipped 0 Failed 0}
        test c-2 {} {expr 1} 2
        cleanupTests
        test c-3 {} {
            unset ::tcltest::numTests
            array set ::tcltest::numTests {Total 1 Passed 0 Skipped 0 Failed 0}
        } {}
        cleanupTests
        """,
        None,
    ),
    "counts_in_a_variable_of_its_own": (
        r"""
        array set mine {Total 0 Passed 0 Skipped 0 Failed 0}
        unset ::tcltest::numTests
        upvar #0 mine ::tcltest::numTests
        test c-1 {} {expr 1} 1
        test c-2 {} {expr 1} 2
        incr mine(Total)
        incr mine(Passed)
        cleanupTests
        """,
        ["(counted)"],
    ),
    "counts_of_tests_elsewhere": (
        r"""
        test c-1 {} {expr 1} 1
        ::tcltest::ReportedFromChild 6 2 3 1 {} {}
        cleanupTests
        """,
        ["(counted) (6 times)"],
    ),
    "takes_back_counts_of_tests_elsewhere": (
        r"""
        test c-1 {} {expr 1} 1
        test c-2 {} {
            ::tcltest::ReportedFromChild 3 2 1 0 {} {}
            expr 1
        } 1
        array set ::tcltest::numTests {Total 0 Passed 0 Skipped 0 Failed 0}
        test c-3 {} {expr 1} 1
        cleanupTests
        """,
        None,
    ),
    "only_the_run_deletes_tcltest": (
        r"""
        test c-1 {} {set ::made 1} 1
        if {[info exists made]} {
            namespace delete ::tcltest
            package forget tcltest
            package require tcltest
            namespace import -force ::tcltest::*
        }
        test c-2 {} {expr 1} 1
        cleanupTests
        """,
        ["c-1"],
    ),
    "leaves_from_an_event": (
        r"""
        test e-1 {} {expr 1} 1
        after idle {
            ::tcltest::test e-2 {} {expr 1} 2
            set failed $::tcltest::numTests(Failed)
            ::tcltest::cleanupTests
            exit $failed
        }
        vwait forever
        """,
        [],
    ),
    "in_another_order": (
        r"""
        foreach n {1 2 3 4 5 6} {
            lappend order [list [expr {rand()}] $n]
        }
        foreach each [lsort $order] {
            test same {} [list expr [lindex $each 1] % 3] 1
            test own-[lindex $each 1] {} [list expr [lindex $each 1] % 4] 1
        }
        cleanupTests
        """,
        [],
    ),
    "recursion": (
        r"""
        proc again {n} {
            test r-1 {in itself} [list expr $n] 1
            if {$n} {again [expr {$n - 1}]}
        }
        again 3
        test r-1 {a name used before} {again 2; expr 1} 1
        proc deep {n} {if {$n} {deep [expr {$n - 1}]} else {test r-2 {} {expr 1} 1}}
        deep 400
        proc endless {} endless
        test r-3 {} -body endless -returnCodes error -match glob -result {too many*}
        cleanupTests
        """,
        [],
    ),
    "asks_for_levels_by_odd_words": (
        r"""
        proc asked {word} {
            set code [catch {info frame $word} message options]
            regsub {INNER .*} [list $code $message {*}[dict values $options]] {}
        }
        test i-1 {} {asked {}} [asked {}]
        foreach {n word} {1 {} 2 abc 3 1.5 4 {1 2} 5 true 6 1e0} {
            test i-2.$n {} -body {asked $word} -match glob -result "1 *expected integer but got*info frame*"
        }
        foreach {n word} {1 99999999999999999999 2 -99999999999999999999 3 4294967296 4 -4294967297} {
            test i-3.$n {} -body {asked $word} -match regexp -result {integer value too large|ARITH IOVERFLOW}
        }
        test i-4 {} {catch {info frame abc}; string first pytest $::errorInfo} -1
        cleanupTests
        """,
        [],
    ),
    "names_arguments_as_we_name_options": (
        r"""
        foreach word {command commands time value limit exist child} {
            proc with_$word [list $word] {}
            test n-$word {} {catch with_$word m; set m} "wrong # args: should be \"with_$word $word\""
        }
        interp create kid
        test n-2 {} -body with_command -returnCodes 1 -match glob -result {* command"}
        kid eval {
            package require tcltest
            proc with_command command {}
            tcltest::test k-1 {} -body with_command -returnCodes 1 -match glob -result {* command"}
            tcltest::cleanupTests
        }
        interp create -safe other
        other eval {proc with_command command {}}
        test n-3 {} -body {other eval with_command} -returnCodes 1 -match glob -result {* command"}
        cleanupTests
        """,
        [],
    ),
    "sets_the_system_encoding": (
        r"""
        test e-1 {} {encoding system ebcdic} {}
        test e-2 {} {encoding system} ebcdic
        test e-3 {} {expr 1} 1
        encoding system utf-8
        test e-4 {} {encoding system} utf-8
        encoding system ebcdic
        cleanupTests
        """,
        [],
    ),
    "sets_the_system_encoding_and_makes_interpreters": (
        r"""
        package require Thread
        set was [encoding system]
        encoding system ebcdic
        interp create -safe kid
        set t [thread::create]
        encoding system $was
        test e-1 {} {kid eval {expr 1}} 1
        test e-2 {} {thread::send $t {expr 1}} 1
        cleanupTests
        """,
        [],
    ),
}

ODD = CALLS | CHILDREN | COMMANDS | FILES | THREADS | TOTALS
