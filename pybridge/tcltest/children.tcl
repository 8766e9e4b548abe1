# Child interpreters, in which a suite may load a tcltest of its own. Nothing of ours is to be seen there but the
# namespace.

proc ::pytest_tcltest::interp_called {command op} {
    variable leave_traced
    variable lent
    lassign $command name verb path limit
    # after a command that sets the recursion limit of this interpreter, no level may be left for a trace
    set wanted [expr {$limit eq "" || $path ne "" || ![string match rec* $verb]}]
    if {$wanted != $leave_traced} {
        uplevel [expr {$lent ? 2 : 1}] [list ::pytest_tcltest::trace_leave $name $wanted] ;# `call` has a level
    }
    if {!$lent && [is_listing $verb]} {
        hide_writer $path
    }
}

proc ::pytest_tcltest::interp_returned {command code result op} {
    set verb [lindex $command 1]
    if {[is_listing $verb]} {
        show_writer
    } elseif {!$code && [string match cr* $verb]} {
        child_made $command $result
    }
}

proc ::pytest_tcltest::is_listing {verb} {
    return [expr {[string match ch* $verb] || [string match sl* $verb]}] ;# children, slaves
}

# Have `interp_returned` called when `interp` returns, or no longer. The command has the name that it has where it is
# called; when it is hidden, it has none.
proc ::pytest_tcltest::trace_leave {name wanted} {
    variable leave_traced
    set verb [expr {$wanted ? "add" : "remove"}]
    set trace [list trace $verb execution $name leave [called interp_returned]]
    if {![catch {uplevel 1 $trace}]} {
        set leave_traced $wanted
    }
}

# The child that `interp create` has made. Tcl tells only the first of several traces what the result was; then it is
# the word of the command, or the youngest without one.
proc ::pytest_tcltest::created {command result path} {
    if {$result ne ""} {
        return $result
    }
    set options 1
    foreach word [lrange $command 2 end] {
        if {!$options || ![string match -* $word]} {
            return $word
        }
        set options [expr {$word ne "--"}]
    }
    return [lindex [lsort -dictionary [lsearch -all -inline -regexp [interp slaves $path] {^interp\d+$}]] end]
}

# Have a child of this interpreter watched, or one of a child that has no commands left to see to it.
proc ::pytest_tcltest::child_made {command result {path {}}} {
    variable writer
    variable lent
    set child [created $command $result $path]
    if {[string match *$writer $child]} {
        return
    }
    if {[llength $child] < 2} {
        set child [list $child] ;# the word itself is the name, be it that of a list
    }
    set child [list {*}$path {*}$child]
    set settings [settings [new_name [join $child ::]]]
    if {$lent} {
        in_writer watch_child $child $settings
    } else {
        watch_child $child $settings
    }
}

# What the names of tests begin with in an interpreter that this one has made, less the `::`. One that a test's body
# has made is counted for itself, and named after the test: where tests are only searched for, no body runs.
proc ::pytest_tcltest::new_name {name} {
    variable prefix
    variable made
    variable inside
    if {[info exists ::tcltest::testLevel] && $::tcltest::testLevel > 0} {
        set name ${inside}::$name
    }
    set again [incr made($name)]
    return $prefix$name[expr {$again > 1 ? "#$again" : ""}]
}

# A script for an interpreter that this one has made: what it has to know.
proc ::pytest_tcltest::settings {name args} {
    foreach each {here mode plan_path process encoding file files number thread piped} {
        variable $each
        lappend variables $each [set $each]
    }
    return [list namespace eval ::pytest_tcltest \
        [list variable {*}$variables prefix ${name}:: made_at [location] {*}$args]]
}

# A script of one line, so that the lines after it keep their numbers: have an interpreter wait for a tcltest.
proc ::pytest_tcltest::watching {settings} {
    variable encoding
    set source {foreach path $scripts {uplevel #0 [list source -encoding utf-8 $path]}}
    set load "set now \[encoding system]; encoding system \$encoding; $source; encoding system \$now"
    set call [list ::apply [list {encoding scripts} $load] $encoding [scripts]]
    return [join [list $call $settings ::pytest_tcltest::watch] ";"]
}

proc ::pytest_tcltest::watch_child {child settings} {
    # one that an interpreter has made whose commands are limited may run none, until it gets a limit of its own
    set commands [interp limit $child commands -value]
    interp limit $child commands -value {}
    set invoke [expr {[interp issafe $child] ? "invokehidden" : "eval"}]
    foreach script [scripts] {
        by_name interp $invoke $child source -encoding utf-8 $script
    }
    interp eval $child $settings
    interp eval $child {namespace eval ::pytest_tcltest {variable lent 1}}
    lend_writer $child
    interp eval $child ::pytest_tcltest::watch
    interp limit $child commands -value $commands
}

# Give a child a writer whose commands are ours. A safe one can have no other, nor one whose `interp` is hidden. Aliases
# or a channel of its own would do what the writer does, but that is what a suite looks at in safe interpreters.
proc ::pytest_tcltest::lend_writer {path} {
    variable writer
    set lent [list {*}$path $writer]
    set commands [interp limit $path commands -value]
    interp limit $path commands -value {} ;# or another trace could run nothing in the writer
    interp create -safe -- $lent
    interp limit $path commands -value $commands
    take_limits $lent
    interp alias $lent write_event {} ::pytest_tcltest::write_event
    foreach name {sizes has_totals now} {
        interp alias $lent $name {} ::pytest_tcltest::in_writer $name
    }
    foreach name {watch_child prepare add_match_modes call} {
        interp alias $lent $name {} ::pytest_tcltest::${name}_in $path
    }
}

# While `interp children` is called, the writer is not there. One that was lent is lent again after it; in the place of
# another, the next event makes a new one.
proc ::pytest_tcltest::hide_writer {path} {
    variable writer
    variable hidden
    if {[catch {interp exists [list {*}$path $writer]} there] || !$there} {
        return
    }
    if {[interp alias [list {*}$path $writer] prepare] ne ""} {
        set hidden $path
    }
    interp delete [list {*}$path $writer]
}

proc ::pytest_tcltest::show_writer {} {
    variable hidden
    variable writer
    if {$hidden ne ""} {
        catch {interp alias $hidden $writer {}}
        lend_writer $hidden
        set hidden ""
    }
}

# The same in the interpreter that watches a child. In the place of the writer is an alias then: a limit may end
# `interp children` before its trace shows the writer again.
proc ::pytest_tcltest::hide_writer_in {child path} {
    variable writer
    variable hidden
    set path [list {*}$child {*}$path]
    hide_writer $path
    if {$hidden eq $path} {
        interp alias $path $writer {} ::pytest_tcltest::show_writer_in $path
    }
}

proc ::pytest_tcltest::show_writer_in {child eval words} {
    variable hidden $child
    show_writer
    if {[lindex $words 0] eq "call"} {
        tailcall call_in $child {*}[lrange $words 1 end]
    }
}

# What the traces in a child call, with the words of a command of the writer: by `call`, the interpreter that watches the
# child sees to one of our procedures. A suite may have hidden all commands of the child, so none is used here.
proc ::pytest_tcltest::call {args} {
    ::pytest_tcltest::writer eval $args
}

# In the interpreter that watches a child: call what a trace there calls, unless it can't be. The writer of a child is
# hidden without the child's commands.
proc ::pytest_tcltest::call_in {path name args} {
    set called [lindex $args 0]
    lassign $called command verb target
    if {![concerns_us $name $called]} {
        tailcall allow $path 2
    } elseif {$name eq "::pytest_tcltest::interp_called" && [is_listing $verb]} {
        hide_writer_in $path $target
    } elseif {$name eq "::pytest_tcltest::interp_returned" && [is_listing $verb]} {
        allow $path 2
        tailcall show_writer
    }
    set levels [interp recursionlimit $path]
    interp recursionlimit $path [expr {$levels + 100}]
    set code [catch {uncounted $path [list $name {*}$args]} message options]
    interp recursionlimit $path $levels
    if {$code && [is_whole $path]} {
        return -options $options $message
    }
    if {$code && $name eq "::pytest_tcltest::interp_returned"} {
        lassign $args command failed result
        if {!$failed && [string match cr* $verb]} {
            child_made $command $result $path
        }
    }
    return
}

# Evaluate a command in a child. Where its commands are limited, neither this counts nor the two by which it asked for
# this.
proc ::pytest_tcltest::uncounted {path command} {
    set commands [interp limit $path commands -value]
    if {$commands eq ""} {
        return [interp eval $path $command]
    }
    interp limit $path commands -value {}
    set begin [command_count $path]
    set code [catch {interp eval $path $command} message options]
    set end [command_count $path]
    set asking [expr {[command_count $path] - $end}] ;# in a safe child, `info cmdcount` is two commands
    interp limit $path commands -value [expr {$commands + $end - $begin + 2 * $asking + 2}]
    return -options $options $message
}

# Whether there is anything to do for what a trace in a child calls. Most calls of `interp` and `package` are not about
# children or packages, and there may be hundreds of thousands.
proc ::pytest_tcltest::concerns_us {name command} {
    switch $name {
        ::pytest_tcltest::package_called {return [may_bring_package $command]}
        ::pytest_tcltest::interp_called - ::pytest_tcltest::interp_returned {
            set verb [lindex $command 1]
            return [expr {[string match cr* $verb] || [string match rec* $verb] || [is_listing $verb]}]
        }
        default {return 1}
    }
}

# Have commands of ours not count, where those of a child are limited.
proc ::pytest_tcltest::allow {path count} {
    set commands [interp limit $path commands -value]
    if {$commands ne ""} {
        interp limit $path commands -value [expr {$commands + $count}]
    }
}

proc ::pytest_tcltest::command_count {path} {
    if {[catch {interp eval $path {::info cmdcount}} count]} {
        return 0
    }
    return $count
}

# Whether a child still has all the commands that our procedures are made of.
proc ::pytest_tcltest::is_whole {path} {
    variable language
    foreach name $language {
        set find [list ::pytest_tcltest::namespace which -command ::pytest_tcltest::$name]
        if {[catch {interp eval $path $find} found] || $found eq ""} {
            return 0
        }
    }
    return 1
}

# In the interpreter that watches a child: what that has its writer do.
proc ::pytest_tcltest::watch_child_in {path child settings} {
    watch_child [list {*}$path {*}$child] $settings
}

# A child has got a tcltest.
proc ::pytest_tcltest::prepare_in {path} {
    prepare
    foreach name {plan selected chosen whole} {
        variable $name
        interp eval $path [list array set ::pytest_tcltest::$name [array get $name]]
    }
}

proc ::pytest_tcltest::add_match_modes_in {path} {
    variable plan
    interp eval $path [list ::pytest_tcltest::namespace eval ::pytest_tcltest::match [in_writer read_text $plan(match)]]
}
