# What is told of a test that has failed, was skipped or has left handles.

namespace eval ::pytest_tcltest {
    # what `test` in tcltest has found, and the variables that tell more
    variable failures {
        setupFailure codeFailure errorCodeFailure scriptFailure outputFailure errorFailure cleanupFailure coreFailure
    }
    variable details {
        setup setupMsg code cleanup cleanupMsg coreMsg actualAnswer result match returnCode returnCodes errorCode
        errorCodeRes scriptCompare scriptMatch output outputCompare outputMatch errorOutput errorCompare errorMatch
        errorInfo
    }
    variable most_described 5 ;# leaked handles of a test; outcome.py names no more
}

# Why the test was skipped; evaluated in the frame of tcltest's `test`.
proc ::pytest_tcltest::skip_reason {} {
    variable reason
    upvar 1 processTest ran name name
    if {[info exists ran]} {
        return $reason ;# the test itself called tcltest::Skip
    }
    if {$reason eq "userSpecifiedLimitConstraint"} {
        return "no constraint that -limitconstraints lets through"
    }
    if {$reason ni {"" userSpecifiedSkip userSpecifiedNonMatch}} {
        return "constraint not met: $reason"
    }
    if {[catch {list [::tcltest::configure -skip] [::tcltest::configure -match]} configured]} {
        return "matches -skip, or does not match -match" ;# a suite may have taken `configure` away
    }
    lassign $configured skipped matched
    foreach pattern $skipped {
        if {[string match $pattern $name]} {
            return "matches -skip $pattern"
        }
    }
    return "does not match -match $matched"
}

# The handles that are live and were not when the test began, each with what there is to say of it.
proc ::pytest_tcltest::leaked {} {
    variable handles
    set live [live_handles]
    if {$live eq $handles} {
        return {}
    }
    set old [dict create {*}[concat {*}[lmap handle $handles {list $handle 1}]]]
    set new [lmap handle $live {
        if {[dict exists $old $handle]} continue
        set handle
    }]
    variable most_described
    return [lmap handle $new {
        list $handle {*}[if {[incr told] <= $most_described} {list [described $handle]}]
    }]
}

# Dtype and shape of a tensor, or what another handle names; it makes no handle to tell that.
proc ::pytest_tcltest::described {handle} {
    if {[catch {::torch::handles $handle -details 1} line]} {
        return ""
    }
    regexp {^\S+ +(?:[\d,]+ bytes|on \S+) +(.*)} $line all line
    return $line
}

# Say what tcltest found wrong, from the variables of its procedure `test`, in which this is evaluated. Where another
# release of tcltest has no such variable, pytest shows the report that tcltest has printed.
proc ::pytest_tcltest::describe_failure {} {
    variable failures
    variable details
    variable setup_code
    foreach name [concat $failures $details] {
        upvar 1 $name $name
    }
    foreach name $failures {
        if {![info exists $name]} {
            set $name 0
        }
    }
    if {$setupFailure} {
        tell problem setup $setup_code $setupMsg
        tell script setup $setup
    }
    if {$scriptFailure} {
        mismatch result $scriptCompare $scriptMatch $match $result $actualAnswer
    }
    if {$errorCodeFailure} {
        mismatch {error code} 0 "" glob $errorCode $errorCodeRes(body)
    }
    if {$codeFailure} {
        tell problem code $returnCodes $returnCode $actualAnswer
    }
    if {$outputFailure} {
        mismatch output $outputCompare $outputMatch $match $output [written_by_test outData]
    }
    if {$errorFailure} {
        mismatch {error output} $errorCompare $errorMatch $match $errorOutput [written_by_test errData]
    }
    if {$cleanupFailure} {
        tell problem cleanup $code $cleanupMsg
        tell script cleanup $cleanup
    }
    if {$coreFailure} {
        tell problem core $coreMsg
    }
    foreach phase {setup body cleanup} {
        if {[info exists errorInfo($phase)]} {
            tell errorinfo $phase $errorInfo($phase)
        }
        if {[info exists errorCodeRes($phase)]} {
            tell errorcode $phase $errorCodeRes($phase)
        }
    }
    variable test_deleted
    if {[array exists errorInfo] && !$test_deleted} {
        tell command {*}[command_place]
    }
}

# What the body has written, as tcltest has it; a suite may have unset the variable.
proc ::pytest_tcltest::written_by_test {name} {
    upvar #0 ::tcltest::$name written
    return [if {[info exists written]} {set written}]
}

proc ::pytest_tcltest::mismatch {what failed message match expected actual} {
    tell problem mismatch $what $match $expected $actual [if {$failed} {set message}]
}
