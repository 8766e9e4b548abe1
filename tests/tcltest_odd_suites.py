"""Tcl test suites that do odd things with tcltest, to compare the pytest plugin's counts with tclsh's."""

# Safe interpreters with what tcltest needs.
SAFE = r"""
        proc safe {kid} {
            interp create -safe $kid
            lend $kid
        }
        proc lend {kid} {
            foreach channel {stdout stderr} {interp share {} $channel $kid}
            foreach command {pwd cd glob file} {interp alias $kid $command {} $command}
            interp alias $kid ::tcl::info::nameofexecutable {} info nameofexecutable
            foreach array {env tcl_platform} {interp eval $kid [list array set $array [array get ::$array]]}
            interp eval $kid {
                proc auto_load args {}
                proc ::parray args {}
                set argv {}
            }
        }
"""

# Each is a whole file but for HEAD, with the tests that the plugin warns of; None where their names differ.
ODD = {
    "children_that_report_twice": (
        r"""
        test c-1 {} {expr 1} 1
        interp create kid
        ::tcltest::loadIntoChildInterpreter kid
        kid eval {
            ::tcltest::test k-1 {} {expr 1} 1
            ::tcltest::test k-2 {} nowhere {expr 1} 1
            ::tcltest::cleanupTests
            ::tcltest::test k-3 {} {expr 1} 2
            ::tcltest::cleanupTests
        }
        test c-2 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
    "grandchildren_that_report": (
        r"""
        interp create kid
        ::tcltest::loadIntoChildInterpreter kid
        interp eval kid [list set script [package ifneeded tcltest [package present tcltest]]]
        kid eval {
            package ifneeded tcltest [package present tcltest] $script
            interp create sub
            ::tcltest::loadIntoChildInterpreter sub
            sub eval {
                ::tcltest::test s-1 {} {expr 1} 1
                ::tcltest::cleanupTests
                ::tcltest::test s-2 {} {expr 1} 2
                ::tcltest::cleanupTests
            }
            ::tcltest::test k-1 {} {expr 1} 1
            ::tcltest::cleanupTests
            ::tcltest::cleanupTests
        }
        cleanupTests
        kid eval ::tcltest::cleanupTests
        cleanupTests
        kid eval {::tcltest::cleanupTests 1}
        test z-1 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
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
    "safe_children": (
        SAFE
        + r"""
        safe one
        safe {one two}
        set tcltest [lindex [package ifneeded tcltest [package present tcltest]] end]
        interp invokehidden one source -encoding utf-8 $tcltest
        interp invokehidden {one two} source -encoding utf-8 $tcltest
        one eval {
            tcltest::test t-1 {} {expr 1} 1
            tcltest::test t-2 {} nowhere {expr 1} 1
            tcltest::test t-3 {} {expr 1} 2
            tcltest::cleanupTests
        }
        interp eval {one two} {
            tcltest::test t-4 {} {expr 1} 1
            tcltest::cleanupTests
        }
        interp create -safe three
        interp alias three test {} test
        three eval {test m-1 {one of the parent} {expr 1} 1}
        test m-2 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
    "safe_base": (
        SAFE
        + r"""
        ::safe::interpCreate kid
        kid eval {catch {package require none}}
        lend kid
        kid eval {
            package require tcltest
            tcltest::test t-1 {} {expr 1} 1
            tcltest::test t-2 {} nowhere {expr 1} 1
            tcltest::test t-3 {} {expr 1} 2
            tcltest::cleanupTests
        }
        test m-1 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
    "safe_child_that_reports": (
        SAFE
        + r"""
        safe kid
        interp expose kid source
        tcltest::loadIntoChildInterpreter kid -skip t-1
        kid eval {
            rename source {}
            tcltest::test t-1 {} {expr 1} 1
            tcltest::test t-2 {} nowhere {expr 1} 1
            tcltest::test t-3 {} {expr 1} 2
            tcltest::cleanupTests
            tcltest::test t-4 {} {expr 1} 1
            tcltest::cleanupTests
        }
        test m-1 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
    "safe_children_that_load_and_test_at_once": (
        SAFE
        + r"""
        set load [package ifneeded tcltest [package present tcltest]]
        set channel [open [lindex $load end]]
        set text [read $channel]
        close $channel
        set tests {
            tcltest::test k-1 {} {expr 1} 1
            tcltest::test k-2 {} nowhere {expr 1} 1
            tcltest::test k-3 {} {expr 1} 2
            tcltest::cleanupTests
        }
        safe sources
        interp expose sources source
        sources eval "$load; $tests"
        safe requires
        interp expose requires source
        requires eval [list package ifneeded tcltest [package present tcltest] $load]
        requires eval "package require tcltest; $tests"
        safe evaluates
        evaluates eval "$text; $tests"
        safe outer
        outer eval {interp create inner}
        lend {outer inner}
        outer eval [list interp eval inner "$text; $tests"]
        cleanupTests
        """,
        [],
    ),
    "safe_child_of_a_safe_child": (
        SAFE
        + r"""
        safe kid
        kid eval {interp create sub}
        lend {kid sub}
        set tcltest [lindex [package ifneeded tcltest [package present tcltest]] end]
        interp invokehidden {kid sub} source -encoding utf-8 $tcltest
        kid eval {
            interp eval sub {
                tcltest::test s-1 {} {expr 1} 1
                tcltest::cleanupTests
            }
        }
        cleanupTests
        """,
        [],
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
    "imports": (
        r"""
        namespace eval other {
            namespace import -force ::tcltest::*
            test i-1 {} {expr 1} 1
            namespace eval deep {
                namespace path {::other ::tcltest}
                test i-2 {} {expr 1} 2
            }
            cleanupTests
        }
        test i-3 {} {expr 1} 1
        namespace forget ::tcltest::*
        tcltest::test i-4 {} {expr 1} 1
        tcltest::cleanupTests
        """,
        [],
    ),
    "sources_itself": (
        r"""
        incr ::times
        test s-1 {} {expr 1} 1
        test s-$times {} {set ::times} 2
        if {$times < 3} {source [info script]}
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
    "runs_all": (
        r"""
        file mkdir sub
        foreach {name right} {one 1 two 2 {th ree} 1} {
            set f [open sub/$name.tcltest w]
            puts $f "package require tcltest; namespace import tcltest::*"
            puts $f [format {
                test "%1$s-1" {} {expr 1} %2$s
                test "%1$s-2" {} nowhere {expr 1} 1
                cleanupTests
                test "%1$s-3" {} {lindex [dict get [info frame 1] cmd] 1} "%1$s-3"
                cleanupTests
                interp create kid
                kid eval {
                    package require tcltest
                    tcltest::test k-1 {} {expr 1} 1
                    tcltest::cleanupTests
                }
                test "%1$s-4" {after the last} {expr 1} 1
            } $name $right]
            close $f
        }
        test s-1 {} {expr 1} 1
        configure -testdir sub -file *.tcltest -skip *-1
        runAllTests
        configure -skip {}
        runAllTests [interpreter]
        set ::tcltest::testSingleFile 1
        test s-2 {} {expr 1} 1
        cleanupTests
        """,
        [
            "all::one.tcltest::one-4, all::th ree.tcltest::th ree-4, all::two.tcltest::two-4, "
            "all#2::one.tcltest::one-4, all#2::th ree.tcltest::th ree-4, all#2::two.tcltest::two-4"
        ],
    ),
    "runs_all_in_one_process": (
        r"""
        file mkdir sub
        foreach {n r} {one 1 two 2} {
            set f [open sub/$n.tcltest w]
            puts $f "test $n-1 {} {expr 1} $r\ntest $n-2 {} nowhere {expr 1} 1\n::tcltest::cleanupTests"
            close $f
        }
        test s-1 {} {expr 1} 1
        configure -testdir sub -file *.tcltest -singleproc 1
        runAllTests
        test s-2 {} {expr 1} 1
        cleanupTests
        """,
        ["s-2"],
    ),
    "single_file_false": (
        r"""
        set ::tcltest::testSingleFile false
        test a-1 {} {expr 1} 1
        cleanupTests
        test a-2 {} {expr 1} 2
        cleanupTests 1
        set ::tcltest::testSingleFile true
        test a-3 {} {expr 1} 1
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
    "child_with_the_only_totals": (
        r"""
        test m-1 {} {expr 1} 1
        interp create kid
        kid eval {
            package require tcltest
            tcltest::test k-1 {} {expr 1} 1
            tcltest::test k-2 {} {expr 1} 2
            tcltest::cleanupTests
        }
        test m-2 {} {expr 1} 1
        """,
        ["m-1, m-2"],
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
    "writes_elsewhere": (
        r"""
        configure -outfile out.txt -errfile err.txt
        test o-1 {} {expr 1} 1
        test o-2 {} {expr 1} 2
        configure -outfile stdout
        test o-3 {} -body {puts x; puts stderr y} -output x\n -errorOutput y\n
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
    "half_a_character": (
        r"""
        catch {chan configure stdout -profile tcl8}
        test "u-\ud83d" {} {expr 1} 1
        test "u-\ud83d\ude00" {} {expr 1} 1
        test "u-\ude00" {} {expr 1} 2
        test "u-\x00" {"\x00"} {expr 1} 1
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
    "children_count_other_than_their_tests": (
        r"""
        interp create kid
        kid eval {
            package require tcltest
            ::tcltest::test k-1 {} {expr 1} 1
            ::tcltest::test k-2 {} {expr 1} 1
            incr ::tcltest::numTests(Passed) -1
            incr ::tcltest::numTests(Failed)
            ::tcltest::cleanupTests
        }
        interp create sub
        ::tcltest::loadIntoChildInterpreter sub
        sub eval {
            ::tcltest::test s-1 {} {expr 1} 1
            incr ::tcltest::numTests(Total) 3
            incr ::tcltest::numTests(Skipped) 2
            incr ::tcltest::numTests(Passed)
            ::tcltest::cleanupTests
        }
        test c-1 {} {expr 1} 1
        cleanupTests
        """,
        None,
    ),
    "counts_of_tests_elsewhere": (
        r"""
        test c-1 {} {expr 1} 1
        ::tcltest::ReportedFromChild 6 2 3 1 {} {}
        cleanupTests
        """,
        ["(counted) (6 times)"],
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
    "lines_from_a_pipe": (
        r"""
        lassign [chan pipe] in out
        fconfigure $in -blocking 0
        fconfigure $out -buffering line
        fileevent $in readable {if {[gets $in line] >= 0} {eval $line}}
        puts $out {test f-1 {} {expr 1} 1}
        puts $out {test f-2 {} {expr 1} 2}
        puts $out {set done 1}
        vwait done
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
    "runs_all_in_subfolders": (
        r"""
        file mkdir sub/deep
        foreach {folder result} {sub 1 sub/deep 2} {
            set f [open $folder/all.tcl w]
            puts $f {
                package require tcltest
                tcltest::configure -testdir [file dirname [file normalize [info script]]] -file *.tcltest
                tcltest::runAllTests
            }
            close $f
            set f [open $folder/one.tcltest w]
            puts $f "package require tcltest; tcltest::test one-1 {} {expr 1} $result; tcltest::cleanupTests"
            close $f
        }
        configure -testdir sub -file *.tcltest
        runAllTests
        """,
        [],
    ),
    "pipes_of_its_own": (
        r"""
        namespace eval suite {
            namespace path ::tcltest
            proc output {command} {
                set pipe [open "| $command"]
                set text [read $pipe]
                close $pipe
                return $text
            }
            test p-1 {} {output {echo -n a b}} {a b}
            test p-2 {} -body {output false} -returnCodes error -result {child process exited abnormally}
            cleanupTests
        }
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
    "asks_where_code_stands": (
        r"""
        proc line {} {dict get [info frame -1] line}
        test f-1 {} {dict get [info frame 0] type} source
        test f-2 {} {
            proc where {} {dict get [info frame 0] type}
            where
        } source
        test f-3 {} {
            apply {line {
                expr {[line] - $line}
            }} [line]
        } -1
        test f-4 {} {expr {[line] > 9}} 1
        proc depth {} {info frame}
        set depth [depth]
        test f-5 {} {set ::depth} 2
        test f-6 {} {lindex [dict get [info frame 1] cmd] 1} f-6
        test f-7 {} {dict get [info frame [info frame]] cmd} {info frame [info frame]}
        test f-8 {} {dict get [info frame [expr {1 - [info frame]}]] level} 0
        proc refused {args} {
            catch {info frame {*}$args} message options
            list $message [dict get $options -errorcode]
        }
        test f-9 {} {
            lmap level [list [expr {[info frame] + 4}] [expr {-[info frame] - 3}] 1.5] {
                lindex [refused $level] 0 1
            }
        } {level level integer}
        test f-10 {} {refused -99} {{bad level "-99"} {TCL LOOKUP LEVEL -99}}
        test f-11 {} {refused 1 2} {{wrong # args: should be "info frame ?number?"} {TCL WRONGARGS}}
        test f-12 {} {
            proc nest {n} {expr {$n ? [nest [expr {$n - 1}]] : [info frame]}}
            expr {[nest 10] - [nest 0]}
        } 10
        coroutine worker apply {{} {yield [dict get [info frame 0] line]; yield [info frame]}}
        test f-13 {} {expr {[worker] - [info frame]}} 1
        proc stepped {} {
            set level [info frame]
            list $level [dict get [info frame $level] cmd]
        }
        trace add execution stepped enterstep {apply {args {}}}
        set stepped [stepped]
        test f-14 {} {set ::stepped} {2 {info frame $level}}
        test f-15 {} {interp create kid; set frames [kid eval {info frame}]; interp delete kid; set frames} 1
        cleanupTests
        """,
        [],
    ),
    "asks_whether_places_are_known": (
        r"""
        test d-1 {} {list [interp debug {}] [interp debug {} -frame]} {{-frame 0} 0}
        test d-2 {} {interp debug {} -frame 1} 1
        test d-3 {} {dict get [info frame 0] type} source
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
    "children_whose_names_are_lists": (
        r"""
        set script {
            package require tcltest
            tcltest::test k-1 {} {expr 1} 1
            tcltest::test k-2 {} {expr 1} 2
            tcltest::cleanupTests
        }
        foreach name {{x y} {{x y}} {[exec] $x} {} { s p } {"q"} {{a}}} {
            foreach safe {{} -safe} {
                interp create {*}$safe [list $name]
                set kid [lindex [interp slaves] 0]
                if {$safe eq ""} {
                    interp eval [list $kid] $script
                }
                interp create [list $kid sub]
                test n-[incr n] {} {interp slaves [list $kid]} sub
                interp delete [list $kid]
            }
        }
        cleanupTests
        """,
        None,
    ),
    "children_whose_commands_are_hidden": (
        r"""
        set f [open conf.tcl w]
        puts $f "name foo\nport 12"
        close $f
        proc seen {args} {lappend ::seen $args}
        foreach {kid safe} {plain {} safe -safe} {
            interp create {*}$safe $kid
            foreach command [$kid eval {info commands}] {$kid hide $command}
            foreach word {name port} {interp alias $kid $word {} seen $word}
            set seen {}
            test h-$kid-1 {} {$kid invokehidden source conf.tcl; set ::seen} {{name foo} {port 12}}
            test h-$kid-2 {} {$kid invokehidden package require Tcl} [package present Tcl]
            test h-$kid-3 {} {$kid invokehidden interp create {{[a]}}} {{[a]}}
            interp create [list $kid sub]
            foreach n {1 2} {
                test h-$kid-4.$n {} {lsort [$kid invokehidden interp slaves]} {sub {{[a]}}}
                test h-$kid-5.$n {} {$kid invokehidden interp slaves sub} {}
            }
            test h-$kid-6 {} {lsearch -all -inline [$kid aliases] *pytest*} {}
        }
        interp create kid
        kid eval {package require tcltest}
        kid hide interp
        kid invokehidden interp create sub
        interp eval {kid sub} {
            package require tcltest
            tcltest::test k-1 {} {expr 1} 2
            tcltest::cleanupTests
        }
        kid eval {
            tcltest::test k-1 {} {expr 1} 1
            tcltest::cleanupTests
        }
        test h-1 {} {kid invokehidden interp slaves} sub
        foreach command {if set lassign} {
            interp create parent
            parent hide $command
            parent eval {interp create}
            interp eval {parent interp0} {
                package require tcltest
                tcltest::test p-1 {} {interp slaves} {}
                tcltest::test p-2 {} {expr 1} 2
                tcltest::cleanupTests
            }
            interp delete parent
        }
        test h-2 {} {
            interp create bare
            foreach path {bare {bare sub}} {
                interp eval $path {
                    foreach each [namespace children] {namespace delete $each}
                    interp create sub
                }
            }
            list [interp slaves bare] [bare eval {interp slaves}] [interp slaves {bare sub}]
        } {sub sub sub}
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
    "children_that_are_limited": (
        r"""
        interp create kid
        kid eval {proc deep {n script} {if {$n} {deep [expr {$n - 1}] $script} else $script}}
        interp limit kid command -value [expr {[kid eval {info cmdcount}] + 30}]
        test l-1 {} {kid eval {interp create sub; interp create another; lsort [interp slaves]}} {another sub}
        interp limit kid command -value {}
        kid recursionlimit 20
        test l-2 {} {kid eval {deep 9 {interp create deep}; lsort [interp slaves]}} {another deep sub}
        test l-3 {} {kid recursionlimit} 20
        kid recursionlimit 1000
        interp limit kid command -value 100000
        proc room {} {expr {[interp limit kid command -value] - [kid eval {info cmdcount}]}}
        proc taken {script} {
            set room [room]
            kid eval $script
            expr {$room - [room]}
        }
        test l-4 {} {taken list} 1
        test l-5 {} {taken {interp exists sub}} 2
        test l-6 {} {taken {interp slaves}} 2
        test l-7 {} {taken {interp slaves sub}} 2
        test l-8 {} {taken {interp create yet}} 2
        test l-9 {} {taken {package present Tcl}} 2
        interp delete kid
        interp create -safe kid
        interp limit kid command -value 100000
        test l-10 {} {taken {set x 1}} 2
        test l-11 {} {taken {interp exists sub}} 3
        test l-12 {} {taken {interp create sub}} 3
        test l-13 {} {taken {interp slaves}} 3
        cleanupTests
        """,
        [],
    ),
    "children_that_report_to_a_file": (
        r"""
        test c-1 {} {expr 1} 1
        proc in_kid {script} {
            interp create kid
            kid eval {
                package require tcltest
                namespace import tcltest::*
                configure -outfile kid.txt
            }
            kid eval $script
            interp delete kid
        }
        in_kid {
            test k-1 {} {expr 1} 1
            test k-2 {} {expr 1} 2
            cleanupTests
        }
        test c-2 {} {
            in_kid {
                test k-1 {} {expr 1} 1
                cleanupTests
                test k-2 {} {expr 1} 2
            }
            expr 1
        } 1
        test c-3 {} {
            set f [open sub.tcltest w]
            puts $f "package require tcltest; tcltest::test s-1 {} {expr 1} 2; tcltest::cleanupTests; exit 3"
            close $f
            in_kid {
                configure -file *.tcltest
                runAllTests
            }
            expr 1
        } 1
        cleanupTests
        """,
        [],
    ),
    "deletes_all_children_and_aliases": (
        r"""
        foreach child [interp slaves] {interp delete $child}
        test d-1 {} {interp slaves} {}
        foreach alias [interp aliases] {rename $alias {}}
        test d-2 {} {interp aliases} {}
        test d-3 {} {interp create kid; interp create -safe safe; lsort [interp slaves]} {kid safe}
        safe eval {interp create sub}
        test d-4 {} {interp slaves safe} sub
        foreach child [interp slaves] {interp delete $child}
        test d-5 {} {interp slaves} {}
        test d-6 {} nowhere {interp slaves} {}
        cleanupTests
        """,
        [],
    ),
    "looks_into_safe_children": (
        SAFE
        + r"""
        set look {
            proc seen {path} {
                set seen [lmap what {aliases hidden slaves} {lsort [interp $what $path]}]
                foreach what {
                    {info commands} {info procs} {info globals} {chan names} {file channels}
                    {interp aliases} {interp hidden} {interp slaves} {interp slaves {}}
                } {
                    lappend seen [lsort [interp eval $path $what]]
                }
                return $seen
            }
            interp create -safe kid
            kid eval {interp create sub; interp create -- {sub -last}}
            foreach path {kid {kid sub} {kid sub -last}} {
                interp expose $path file
                lappend all [seen $path] [seen $path]
            }
            lappend all [kid eval {interp slaves sub}] [interp slaves]
            lappend all [interp aliases] [info commands *pytest*]
            lappend all [catch {interp slaves none} message] $message
            lappend all [catch {kid eval {interp slaves none}} message] $message
            set all
        }
        set found [eval $look]
        testConstraint tclsh [string match tclsh* [file tail [info nameofexecutable]]]
        test l-1 {} tclsh {set found} [if {[testConstraint tclsh]} {
            exec [info nameofexecutable] << "puts \[$look\]"
        }]
        interp delete kid
        safe one
        safe {one two}
        foreach path {one {one two}} {
            interp expose $path source
            set before [seen $path]
            interp eval $path [package ifneeded tcltest [package present tcltest]]
            set after [seen $path]
            test l-2 {} {lreplace $::after 3 5} [lreplace $before 3 5]
            interp eval $path [list set slaves [interp slaves $path]]
            interp eval $path [list set aliases [interp aliases $path]]
            interp eval $path {
                tcltest::test t-1 {} {interp slaves} $slaves
                tcltest::test t-2 {} {interp aliases} $aliases
                tcltest::test t-3 {} {interp create three; lsort [interp slaves]} [concat three $slaves]
                tcltest::test t-4 {} {interp slaves three} {}
                tcltest::cleanupTests
                tcltest::test t-5 {} {interp delete three; interp slaves} $slaves
                tcltest::cleanupTests
            }
        }
        interp marktrusted one
        one eval {interp create trusted; interp eval trusted {set ::argv {}; package require tcltest}}
        test l-3 {} {lsort [interp slaves one]} {trusted two}
        test l-4 {} {interp slaves {one trusted}} {}
        one eval {interp eval trusted {tcltest::test t-1 {} {interp slaves} {}; tcltest::cleanupTests}}
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
    "limits_and_hides": (
        SAFE
        + r"""
        set tests {
            package require tcltest
            tcltest::test t-1 {} {interp slaves} {}
            tcltest::test t-2 {} {interp create sub; interp slaves} sub
            tcltest::test t-3 {} {interp limit sub command} {-command {} -granularity 1 -value 0}
            tcltest::test t-4 {} -body {interp eval sub {set x}} -returnCodes 1 -match glob -result *exceeded
            tcltest::cleanupTests
        }
        interp create kid
        interp limit kid command -value 1000000 -granularity 1
        interp limit kid time -seconds [expr {[clock seconds] + 1000}]
        kid eval $tests
        safe one
        interp limit one command -value 1000000 -granularity 1
        one eval {interp slaves}
        interp limit one command -value {}
        interp expose one source
        one eval [package ifneeded tcltest [package present tcltest]]
        interp limit one command -value 1000000 -granularity 1
        one eval $tests
        interp create -safe two
        interp hide two interp
        interp invokehidden two interp create sub
        test l-1 {} {list [interp slaves two] [interp invokehidden two interp slaves]} {sub sub}
        interp expose two interp
        test l-2 {} {two eval {interp slaves}} sub
        interp alias {} make {} interp create
        oo::class create Maker {forward child interp create}
        Maker create maker
        namespace eval suite {proc interp {args} {::interp {*}$args}; interp create third}
        foreach child [list [make] [maker child second] third] {
            $child eval {
                package require tcltest
                tcltest::test m-1 {} {interp slaves} {}
                tcltest::cleanupTests
            }
        }
        cleanupTests
        """,
        [],
    ),
    "lowers_the_recursionlimit": (
        r"""
        foreach {limit result} {5 {falling back due to new recursion limit} 6 ok 7 ok} {
            interp create kid
            kid eval [list set limit $limit]
            test d-$limit {} {
                kid eval {catch {eval {eval {eval {eval {interp recursionlimit {} $limit; set x ok}}}}} text}
                kid eval {set text}
            } $result
            interp delete kid
        }
        cleanupTests
        """,
        [],
    ),
    "deletes_all_namespaces_of_a_child": (
        r"""
        interp create kid
        kid eval {
            namespace delete {*}[lsearch -all -inline -not [namespace children] ::tcl]
            package require Tcl
            interp create sub
        }
        test n-1 {} {kid eval {namespace children}} ::tcl
        test n-2 {} {kid eval {interp slaves}} sub
        cleanupTests
        """,
        [],
    ),
    "closes_standard_channels": (
        r"""
        interp create kid
        foreach {channel mode} {stdin r stderr w stderr w} {
            test c-1 {} {close $channel} {}
            test c-2 {} {open /dev/null $mode} $channel
        }
        test c-3 {} {lsort [chan names]} {stderr stdin stdout}
        test c-4 {} {lsort [kid eval {chan names}]} {stderr stdin stdout}
        test c-5 {} -body {close stdin; open /dev/null} -match glob -result file*
        test c-6 {} {kid eval {close stdin}; open /dev/null} stdin
        foreach child [interp slaves] {interp delete $child}
        test c-7 {} {close stdin; open /dev/null} stdin
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
    "deletes_itself": (
        r"""
        test d-1 {} {file exists [info script]} 1
        file delete [info script]
        test d-2 {} {file exists [info script]} 0
        cleanupTests
        """,
        [],
    ),
    "rewrites_itself": (
        r"""
        test r-1 {} {file size [info script]} [set size [file size [info script]]]
        set f [open [info script] a]
        puts $f {
            test r-2 {} {expr 1} 1
            cleanupTests
        }
        close $f
        if {$size < 600} {source [info script]}
        cleanupTests
        """,
        [],
    ),
    "replaces_itself": (
        r"""
        test r-1 {} {expr 1} 1
        set f [open new w]
        puts $f {error "this is another file"}
        close $f
        file copy -force new [info script]
        file rename -force new [info script]
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
    "deletes_a_child_in_its_test": (
        r"""
        interp create kid
        kid alias leave interp delete kid
        test d-1 {} {
            catch {
                kid eval {
                    package require tcltest
                    tcltest::test k-1 {} {leave} {}
                }
            }
            interp exists kid
        } 0
        test d-2 {} {expr 1} 2
        cleanupTests
        """,
        ["kid::k-1"],
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
    "lists_the_children_of_a_limited_child": (
        r"""
        interp create kid
        interp limit kid command -value 100000
        foreach n {1 2} {
            test l-1 {} {kid eval {interp create}} interp[expr {$n - 1}]
            test l-2 {} {llength [kid eval {interp slaves}]} $n
            test l-3 {} {kid eval {interp slaves interp0}} {}
        }
        for {set n 0} {$n < 16} {incr n} {
            interp limit kid command -value [expr {[kid eval {info cmdcount}] + $n}]
            catch {kid eval {while 1 {interp slaves}}}
            interp limit kid command -value {}
            test l-4 {} {kid eval {interp slaves}} {interp0 interp1}
        }
        interp limit {kid interp0} command -value {}
        kid eval {interp eval interp0 {package require tcltest; namespace import ::tcltest::*}}
        for {set n 0} {$n < 8} {incr n} {
            interp limit kid command -value [expr {[kid eval {info cmdcount}] + $n}]
            catch {kid eval {while 1 {interp slaves interp0}}}
            interp limit kid command -value {}
            interp eval {kid interp0} {test s-1 {} {expr 1} 1}
            test l-5 {} {kid eval {interp slaves interp0}} {}
        }
        interp eval {kid interp0} cleanupTests
        cleanupTests
        """,
        [],
    ),
}
