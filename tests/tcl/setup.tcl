# What every suite of this folder and of tests/program uses. Run one by hand with `tcltorch tests/tcl/bulk.test ?-match bulk-2.*?`.

package require tcltest 2.5
package require torch
namespace import ::tcltest::test ::tcltest::makeFile ::tcltest::removeFile

# Files that tests make are in a folder of this process: the same suites may run beside it.
set scratch [file join [::tcltest::temporaryDirectory] [pid]]
::tcltest::configure -tmpdir $scratch

# Handles that live from one test to the next.
set fixtures {}

proc fixture {name handle} {
    set ::$name $handle
    lappend ::fixtures $handle
}

# Free what a test has left.
proc free_new {} {
    foreach handle [torch::handles] {
        if {$handle ni $::fixtures} {
            torch::free $handle
        }
    }
}

# A test that a script, run at global level, gives a value.
proc gives {name description script expected} {
    test $name $description -body [list uplevel #0 $script] -cleanup free_new -result $expected
}

# The message and the -errorcode of a script that must fail.
proc refusal {script} {
    if {[catch {uplevel 1 $script} message options] != 1} {
        return [list "no error, but" $message]
    }
    return [list $message [dict get $options -errorcode]]
}

# A test that a script, run at global level, fails with this message and this -errorcode, and leaves all as it was.
proc refuses {name description script message errorcode} {
    test $name $description -body {
        set before [torch::handles]
        set refusal [uplevel #0 [list refusal $script]]
        if {[torch::handles] ne $before} {
            lappend refusal "live before: $before, after: [torch::handles]"
        }
        set refusal
    } -cleanup free_new -result [list $message $errorcode]
}

# Whether each of these handles is live.
proc live {args} {
    set live [torch::handles]
    return [lmap handle $args {expr {$handle in $live}}]
}

# A new tensor of one number.
proc new {{value 0}} {
    return [torch::full {} $value]
}

# A value whose Tcl object has no text, as far as Tcl tells.
proc has_no_text {value} {
    string match "*no string representation" [::tcl::unsupported::representation $value]
}

# The last lines of a suite: nothing is left alive, tcltest prints its counts, and the folder for files goes.
proc finish {topic} {
    if {[llength $::fixtures]} {
        torch::free {*}$::fixtures
    }
    set ::fixtures {}
    test $topic-99.1 {nothing is left alive} -body {torch::handles} -result {}
    ::tcltest::cleanupTests
    ::tcltest::configure -tmpdir [file dirname $::scratch]
    file delete -force $::scratch
}
