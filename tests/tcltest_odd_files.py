"""Tcl test suites that do odd things with files, channels and processes."""

# Each is a whole file but for HEAD, with the tests that the plugin warns of; None where their names differ.
FILES = {
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
    "runs_all_where_it_names_a_library": (
        r"""
        set f [open [makeFile {} of_library.tcltest] w]
        puts $f "package require tcltest; namespace import tcltest::*"
        puts $f {test l-1 {} {set env(TCL_LIBRARY)} [info library]}
        puts $f cleanupTests
        close $f
        set env(TCL_LIBRARY) [info library]
        configure -testdir [temporaryDirectory] -file *of_library.tcltest
        runAllTests
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
    "asks_for_levels_outside_of_tests": (
        r"""
        if 1 {test l-0.[info frame] {} {expr 1} 1}
        proc place {level} {dict get [info frame $level] line}
        set first [place -1]
        set levels [info frame]
        if 1 {
            lappend levels [info frame] [expr {[place -1] - $first}]
            if 1 {lappend levels [info frame]}
            proc inner {} {
                if 1 {return [info frame]-[expr {[place -1] - $::first}]}
            }
        }
        lappend levels [inner]
        test l-1 {} {set ::levels} {1 2 3 2 2-6}
        set levels {}
        catch {
            lappend levels [info frame] [dict get [info frame 0] type]
            lappend levels [file tail [dict get [info frame 0] file]]
        }
        test l-2 {} {set ::levels} "2 source [file tail [info script]]"
        set levels [expr {[info frame]}]
        while 1 {lappend levels [info frame]; break}
        switch a {a {lappend levels [info frame] [inner]}}
        try {lappend levels [info frame]} finally {lappend levels [info frame]}
        foreach word {a b} {lappend levels [catch {lappend levels [info frame]}]}
        dict for {key value} {a b} {lappend levels [info frame]}
        eval {lappend levels [info frame]}
        test l-3 {} {set ::levels} {2 2 2 3-6 2 2 2 0 2 0 2 2}
        trace add variable traced write {lappend levels [info frame] ;#}
        set levels {}
        set traced 1
        incr traced
        namespace eval inside {lappend ::levels [info frame]; if 1 {lappend ::levels [info frame]}}
        test l-4 {} {set ::levels} {2 2 2 2}
        catch {if 1 {error deep}}
        test l-5 {} {string match {*("if" then script line 1)*} $::errorInfo} 0
        test l-6 {} {lmap command {if set puts trace} {trace info execution $command}} {{} {} {} {}}
        cleanupTests
        """,
        [],
    ),
    "asks_where_code_stands_from_a_package": (
        r"""
        # as critcl does, which finds in a script of `uplevel` no place by which to name what it compiles
        set channel [open [makeFile {} places.tcl] w]
        puts $channel {
            proc places_known {} {interp debug {} -frame}
            proc place {} {dict get [info frame -1] type}
            proc place_in {script} {uplevel 1 $script}
            proc place_deep {} {place_in {place}}
        }
        close $channel
        source [file join [temporaryDirectory] places.tcl]
        test p-1 {} {places_known} 0
        test p-2 {} {place} source
        test p-3 {} {place_in {place}} eval
        test p-4 {} {place_deep} eval
        test p-5 {} {place_in [string cat place]} eval
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
    "sources_a_pipe": (
        r"""
        exec mkfifo pipe
        exec sh -c {echo 'test p-1 {} {expr 1} 1' >pipe} &
        source pipe
        file delete pipe
        cleanupTests
        """,
        [],
    ),
    "exits_without_what_a_body_does": (
        r"""
        test x-1 {the server starts} {set ::port 5} 5
        if {![info exists port]} {exit 1}
        test x-2 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
    "exits_where_tests_are_not_counted": (
        r"""
        test x-1 {} {expr 1} 1
        if {$::tcltest::numTests(Total) != 1 || !$::tcltest::numTests(Passed)} {exit 3}
        cleanupTests
        """,
        [],
    ),
    "exits_with_what_its_tests_make_of_a_status": (
        r"""
        test x-1 {} {expr 1} 1
        set status [expr {$::tcltest::numTests(Passed) == 0}]
        cleanupTests
        exit $status
        """,
        [],
    ),
    "needs_bodies_and_exits_with_a_status": (
        r"""
        test x-1 {} {set ::names {x y}} {x y}
        foreach n $names {test x-2-$n {} {expr 1} 1}
        test x-3 {} {expr 1} 2
        set failed [expr {$::tcltest::numTests(Failed) > 0}]
        cleanupTests
        exit $failed
        """,
        [],
    ),
    "kills_itself_without_what_a_body_does": (
        r"""
        test x-1 {} {set ::done 1} 1
        exec kill [lindex {-9 -0} [info exists done]] [pid]
        test x-2 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
}
