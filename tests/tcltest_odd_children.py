"""Tcl test suites with tests in child interpreters, safe ones too."""

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
CHILDREN = {
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
    "child_of_a_body_with_the_only_totals": (
        r"""
        test c-1 {} {expr 1} 1
        test c-2 {} {
            interp create kid
            kid eval {
                package require tcltest
                tcltest::test k-1 {} {expr 1} 1
                tcltest::test k-2 {} {expr 1} 2
                tcltest::cleanupTests
            }
        } {}
        test c-3 {} nowhere {expr 1} 1
        """,
        ["c-1, c-2, c-3"],
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
    "a_child_that_is_limited_by_its_own_command": (
        r"""
        interp create kid
        kid limit commands -value 100000
        proc taken {script} {
            set before [kid eval {info cmdcount}]
            set limit [kid limit commands -value]
            kid eval $script
            expr {$limit - [kid limit commands -value] + [kid eval {info cmdcount}] - $before}
        }
        test l-1 {} {taken list} 1
        test l-2 {} {taken {interp exists sub}} 2
        test l-3 {} {taken {package vcompare 1 2}} 2
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
    "deletes_what_tcl_is_made_of_in_a_child": (
        r"""
        foreach command {for join regexp lsort lmap append array dict lset} {
            set kid [interp create]
            $kid eval {
                package require tcltest
                tcltest::test k-1 {} {expr 1} 2
                tcltest::cleanupTests
            }
            $kid eval [list rename $command {}]
            $kid eval {
                interp create sub
                package require Tcl
            }
            test d-$command {} {$kid eval {sub eval {expr 1}}} 1
            interp delete $kid
        }
        cleanupTests
        """,
        [],
    ),
    "renames_all_commands_of_a_child_and_deletes_its_namespaces": (
        r"""
        interp create kid
        kid eval {
            foreach command {package source load interp exit foreach if trace info string lindex} {
                rename $command _$command
            }
            namespace delete {*}[lsearch -all -inline -not [namespace children] ::tcl]
            _package require Tcl
            _interp create sub
        }
        test n-1 {} {kid eval {_interp slaves}} sub
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
    "children_call_exit": (
        r"""
        # no tcltest is in them
        set wrong {expected integer but got "wrong"}
        interp create kid
        test x-1 {} -body {kid eval {exit wrong}} -returnCodes error -result $wrong
        interp create -safe safe
        test x-2 {} -body {safe invokehidden exit wrong} -returnCodes error -result $wrong
        if {![catch {package require Thread}]} {
            set thread [thread::create]
            test x-3 {} -body {thread::send $thread {exit wrong}} -returnCodes error -result $wrong
        }
        kid eval {proc unknown args {set ::asked $args}}
        test x-4 {} {list [catch {kid eval {exit wrong}}] [kid eval {info exists ::asked}]} {1 0}
        cleanupTests
        kid eval exit
        """,
        [],
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
    "a_child_is_told_of_results_and_tells_its_parent": (
        r"""
        test r-1 {} {expr 1} 1
        interp create kid
        tcltest::loadIntoChildInterpreter kid
        kid eval {
            tcltest::ReportedFromChild 3 1 1 1 {} {}
            tcltest::test kid-1 {} {expr 1} 1
            tcltest::cleanupTests
        }
        cleanupTests
        """,
        ["kid::(counted) (3 times)"],
    ),
    "a_child_is_told_of_results_and_tells_nobody": (
        r"""
        test r-1 {} {expr 1} 1
        interp create kid
        kid eval {
            package require tcltest
            tcltest::ReportedFromChild 3 2 1 0 {} {}
        }
        cleanupTests
        """,
        ["kid::(counted) (3 times)", "kid::(counted) (3 times)"],
    ),
    "child_with_procedures_copied_from_tcltest": (
        r"""
        interp create kid
        kid eval {namespace eval tcltest {}}
        foreach command [info procs ::tcltest::*] {
            set names [lmap name [info args $command] {
                if {[info default $command $name default]} {list $name $default} else {set name}
            }]
            kid eval [list proc $command $names [info body $command]]
        }
        foreach name [info vars ::tcltest::*] {
            if {[array exists $name]} {
                kid eval [list array set $name [array get $name]]
            } else {
                kid eval [list set $name [set $name]]
            }
        }
        kid eval {
            ::tcltest::test k-1 {} {expr 1} 1
            ::tcltest::test k-2 {} {expr 1} 2
            ::tcltest::cleanupTests
        }
        test c-1 {} {expr 1} 1
        cleanupTests
        """,
        ["(counted) (2 times)"],
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
}
