# Child interpreters, in which a suite may load a tcltest of its own. Until it does, nothing of ours is to be seen there
# but the namespace, and in a safe one a channel.

# The child that `interp create` has made. Tcl tells only the first of several traces what the result was; then it is
# the word of the command, or the youngest without one.
proc ::pytest_tcltest::created {command result} {
    set words [lrange $command 2 end]
    while {[lindex $words 0] in {-safe --}} {
        set words [lrange $words 1 end]
    }
    if {$result ne ""} {
        return $result
    }
    if {[llength $words]} {
        return [lindex $words end]
    }
    return [lindex [lsort -dictionary [lsearch -all -inline -regexp [interp slaves] {^interp\d+$}]] end]
}

# A suite that asks which children there are is not to see the writer; for the next event there is another.
proc ::pytest_tcltest::children_listed {command op} {
    variable writer
    if {[regexp {^(ch|sl)} [lindex $command 1]] && [lindex $command 2] eq "" && [interp exists $writer]} {
        interp delete $writer
    }
}

proc ::pytest_tcltest::child_made {command code result args} {
    variable writer
    variable bell
    if {$code || ![string match cr* [lindex $command 1]]} {
        return
    }
    set child [created $command $result]
    if {$child in [list "" $writer]} {
        return
    }
    set settings [settings [new_name [join $child ::]]]
    if {$bell eq ""} {
        watch_child $child $settings
    } else {
        ring made $child $settings
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
    foreach each {here mode plan_path file files number thread} {
        variable $each
        lappend variables $each [set $each]
    }
    return [list namespace eval ::pytest_tcltest \
        [list variable {*}$variables prefix ${name}:: made_at [location] {*}$args]]
}

# A script of one line, so that the lines after it keep their numbers: have an interpreter wait for a tcltest.
proc ::pytest_tcltest::watching {settings} {
    set commands [lmap path [scripts] {list source -encoding utf-8 $path}]
    return [join [list {*}$commands $settings ::pytest_tcltest::watch] ";"]
}

proc ::pytest_tcltest::watch_child {child settings} {
    if {![interp issafe $child]} {
        interp eval $child [watching $settings]
        return
    }
    foreach script [scripts] {
        interp invokehidden $child source -encoding utf-8 $script
    }
    interp eval $child $settings
    interp eval $child [list namespace eval ::pytest_tcltest [list variable bell [hang_bell $child]]]
    interp eval $child ::pytest_tcltest::watch
}

# Give a safe interpreter a channel that has `rung` called here with what it writes there. A channel, because what
# tests look at in safe interpreters are commands and aliases.
proc ::pytest_tcltest::hang_bell {child} {
    set channel [chan create write [list ::pytest_tcltest::bell $child]]
    fconfigure $channel -buffering none -encoding utf-8 -translation lf
    interp transfer {} $channel $child
    return $channel
}

# What this channel does.
proc ::pytest_tcltest::bell {path method id args} {
    switch $method {
        initialize {return {initialize finalize watch write}}
        write {
            rung $path [encoding convertfrom utf-8 [lindex $args 0]]
            return [string length [lindex $args 0]]
        }
    }
}

# In a safe interpreter: tell the one that watches it.
proc ::pytest_tcltest::ring {args} {
    variable bell
    puts -nonewline $bell $args
}

# What a safe interpreter has told: that it has a child, or that it has a tcltest and needs help to tell of it.
proc ::pytest_tcltest::rung {path words} {
    lassign $words what child settings
    if {$what eq "made"} {
        watch_child [list {*}$path {*}$child] $settings
        return
    }
    prepare
    foreach name {write_event sizes now} {
        interp alias $path ::pytest_tcltest::$name {} ::pytest_tcltest::$name
    }
    interp alias $path ::pytest_tcltest::add_match_modes {} ::pytest_tcltest::add_match_modes_in $path
    foreach name {plan selected chosen whole} {
        variable $name
        interp eval $path [list array set ::pytest_tcltest::$name [array get $name]]
    }
}

proc ::pytest_tcltest::add_match_modes_in {path} {
    variable plan
    set channel [::open $plan(match)]
    ::fconfigure $channel -encoding utf-8
    set script [::read $channel]
    ::close $channel
    interp eval $path [list uplevel #0 $script]
}
