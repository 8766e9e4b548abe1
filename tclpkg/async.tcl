# Commands that are not waited for. One at a time is under way; the others wait here, so that each can be cancelled.

proc ::torch::_::begin_async {} {
    variable asked 0  ;# how many there have been
    variable queue {}  ;# those that wait: a token, a callback, a request
    variable running {}  ;# the one that is under way
    variable settling {}  ;# the numbers of requests that tell when a cancel is over; nothing is launched before
}

# torch::async command ?-command? callback
proc ::torch::_::async {command args} {
    variable asked
    variable queue
    if {[llength $args] == 2 && [lindex $args 0] ne "-command"} {
        return -code error -errorcode [list TCL LOOKUP INDEX option [lindex $args 0]] \
            "bad option \"[lindex $args 0]\": must be -command"
    }
    if {[llength $args] ni {1 2}} {
        return -code error -errorcode {TCL WRONGARGS} \
            "wrong # args: should be \"torch::async command ?-command? callback\""
    }
    set callback [lindex $args end]
    if {[catch {llength $callback}]} {
        return -code error -errorcode {TORCH ARG VALUE callback} "callback must be a list but is \"$callback\""
    }
    if {[catch {request_of $command} request options]} { # whose trace would be that of our procedures
        return -code error -errorcode [dict get $options -errorcode] $request
    }
    begin_work
    variable state
    set state(async) 1
    lappend queue [list [set token async[incr asked]] $callback $request]
    launch_next
    return $token
}

# What to ask of the dispatcher for a command of ours, and the bytes that go with it. It creates into no open scope.
proc ::torch::_::request_of {command} {
    variable commands
    if {[catch {lassign $command name} words]} {
        refuse_command "be a list but is \"$command\""
    }
    set name [regsub {^(::)?torch(::|$)} $name ""]
    if {$name eq ""} {
        set words [lassign $words name]
    }
    if {$name eq "remote" && [llength $words] == 1} {
        return [list [list !script async [lindex $words 0]] ""]
    }
    if {![dict exists $commands $name]} {
        if {[regexp {\s} $name]} {
            refuse_command "be a list of words but is \"$command\""
        }
        refuse_command "be one of the package torch that takes no script, or torch::remote, but is \"$name\""
    }
    refuse_script $words
    set where [dict get $commands $name]
    set index [expr {$where eq "" ? -1 : [bulk_index $where $words]}]
    if {$index < 0 || [set packed [pack [lindex $words $index]]] eq ""} {
        return [list [list !in async $name {*}$words] ""]
    }
    lassign $packed format shape bytes
    lset words $index ""
    return [list [list !bulk $index $format $shape async $name {*}$words] $bytes]
}

# Nobody substitutes anything in a list.
proc ::torch::_::refuse_script {words} {
    foreach word $words {
        if {[has_text $word] && [regexp {^(\$\w|\[(::)?torch\M)} $word]} {
            refuse_command "be a list, such as \[list torch::tensor_sum \$x\], but has the word \"$word\""
        }
    }
}

proc ::torch::_::refuse_command {why} {
    return -code error -errorcode {TORCH ARG VALUE command} "command must $why"
}

proc ::torch::_::launch_next {} {
    variable queue
    variable running
    variable settling
    if {[busy] || [llength $settling] || [llength $running] || ![llength $queue]} {
        return
    }
    set queue [lassign $queue running]
    launch {*}[lindex $running 2]
}

# The one under way has its reply; its callback is left to the event loop.
proc ::torch::_::land {reply} {
    variable running
    lassign $running token callback
    set running {}
    call_back $callback $reply
    launch_next
}

# A callback gets the result and the options, as `catch` tells them.
proc ::torch::_::call_back {callback reply} {
    lassign $reply status value options
    if {$status > 1} {
        lassign [settle $status $value] status value options
    }
    if {$callback eq ""} {
        return
    }
    set options [dict merge [list -code [expr {$status == 1}] -level 0] $options]
    after 0 [list {*}$callback $value $options]
}

# Whatever has no answer yet gets this error.
proc ::torch::_::fail_all {message errorcode} {
    variable queue
    variable running
    set pending [expr {[llength $running] ? [list $running {*}$queue] : $queue}]
    set queue {}
    set running {}
    foreach each $pending {
        call_back [lindex $each 1] [list 1 $message [list -errorcode $errorcode]]
    }
}

# torch::cancel ?token?: whether there was anything to cancel.
proc ::torch::_::cancel {{token ""}} {
    variable queue
    variable running
    set found 0
    foreach each $queue {
        if {$token in [list "" [lindex $each 0]]} {
            set queue [lsearch -all -inline -not -exact -index 0 $queue [lindex $each 0]]
            call_back [lindex $each 1] {1 interrupted {-errorcode {TORCH INTERRUPT}}}
            set found 1
        }
    }
    if {[llength $running] && $token in [list "" [lindex $running 0]]} {
        interrupt
        set found 1
    }
    return $found
}
