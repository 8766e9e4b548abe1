# Requests to the worker and its answers.

# Make `ask`, the dispatcher behind the pipe: it sends a request, of words and bytes, and waits for its answer: status,
# value, options. What comes before it is for others. Nearly every command goes through it, and does not look twice:
# that the worker has nothing to do is told by an entry of `state`. Tcl takes half a millisecond to compile it, which
# passes while the first worker begins (`greeting`).
proc ::torch::_::make_ask {} {
    variable talkers
    if {[dict exists $talkers ::torch::_::ask]} {
        return
    }
    talker ::torch::_::ask {bytes chain args} {
        variable state
        set process [pid]
        if {![info exists state($process)]} {
            tailcall ask_when_ready $bytes $chain {*}$args
        }
        if {$chain ne ""} {
            set args [list !in $chain {*}$args]
        }
        if {[string is ascii $args]} {
            set list $args
        } else {
            set list [encoded $args]
        }
        if {[string length $list] > 0x10000000} {
            variable too_long
            return $too_long
        }
        set channel $state($process)
        unset state($process)
        if {[catch {
            if {[info exists state(async)]} {
                await_async $channel
            }
            SEND
            while 1 {
                RECEIVE
                if {$got == $number} {
                    break
                }
                deliver $got $list $bytes
                set bytes ""
            }
            if {[lindex $list 0] eq "0" && [llength $list] == 4} {
                set state(created) [lindex $list 3]
            } else {
                set list [reply_of $list $bytes]
            }
        } message]} {
            return [lost $message $args]
        }
        set state($process) $channel
        if {[info exists state(async)]} {
            launch_next
        }
        return $list
    }
    ask "" ""  ;# without words: it is compiled, and does nothing
}

# `ask` until the first worker begins.
proc ::torch::_::ask {bytes chain args} {
    tailcall ask_when_ready $bytes $chain {*}$args
}

# `ask` while no worker is at rest: have one first. Both leave to each other by `tailcall`, because `ask` may be another
# procedure by now: the first worker has it made, and so has Expect when it comes (expect.tcl).
proc ::torch::_::ask_when_ready {bytes chain args} {
    if {![llength $args]} {
        return  ;# to make_ask
    }
    set refusal [get_ready $args 0]
    if {$refusal ne ""} {
        return $refusal
    }
    tailcall ask $bytes $chain {*}$args
}

# `ask` where the folder of this process matters: the worker is sent there first.
proc ::torch::_::ask_in_folder {bytes chain args} {
    set refusal [get_ready $args 1]
    if {$refusal ne ""} {
        return $refusal
    }
    return [ask $bytes $chain {*}$args]
}

# Words of which one stands in bytes: its index, format and shape, a chain of calls and the words of a command.
proc ::torch::_::dispatch_bulk_worker {bytes args} {
    return [[lindex [way_of [lindex $args 4]] 0] $bytes "" !bulk {*}$args]
}

# Have a worker at rest, where its folder matters in that of this process: empty, or the reply where there can be none.
proc ::torch::_::get_ready {words folder_matters} {
    variable channel
    variable beginning
    variable closing
    if {$channel eq "" && [verb_of $words] in $closing} {
        return {0 {} {}}  ;# what it would end has ended with its worker
    }
    if {([busy] || $beginning ne "") && [depth] > 1} {
        return [list 1 [busy_message] {-errorcode {TORCH BUSY}}]
    }
    if {[busy]} {
        # a limit or a cancel has torn it from its procedure, nobody knows where
        lose "a command was cut off before its answer came"
    }
    if {[catch {be_ready $folder_matters} message options]} {
        return [list 1 $message [list -errorcode [dict get $options -errorcode]]]
    }
    return
}

# Whether a command of this process waits for its answer.
proc ::torch::_::busy_worker {} {
    variable channel
    variable owner
    variable state
    return [expr {$channel ne "" && [pid] == $owner && ![info exists state($owner)]}]
}

proc ::torch::_::verb_of {words} {
    return [lindex $words [expr {[lindex $words 0] eq "!in" ? 2 : 0}]]
}

# How many requests have begun and not ended: what the worker prints may run a command of the host's that makes another.
proc ::torch::_::depth {} {
    set asking {::torch::_::ask ::torch::_::ask_when_ready ::torch::_::ask_in_folder}
    set found 0
    for {set level [info frame]} {$level > 0} {incr level -1} {
        set frame [info frame $level]
        if {[dict exists $frame proc] && [dict get $frame proc] in $asking} {
            incr found
        }
    }
    return $found
}

proc ::torch::_::busy_message {} {
    return "the worker is busy with the command that this one has interrupted"
}

# The reply where the worker was lost. What was to end has ended with it, and that is no error: it would take the
# place of one that has ended the body of a scope.
proc ::torch::_::lost {message {words ""}} {
    variable reason
    variable channel
    variable closing
    variable last_words
    if {$channel ne ""} {
        if {[string match "TCL VALUE *" $::errorCode]} {
            set message "it said something that is no answer"  ;# no list, or no number
        }
        if {[catch {lose $message}]} {
            # a trap of Expect's, that the end of the worker set off, took away what a command said; what is closed
            # already is passed over
            lose $message
        }
    }
    set verb [verb_of $words]
    if {$verb in $closing && ![string match *_begin $verb]} {
        return {0 {} {}}
    }
    set options {-errorcode {TORCH CLOSED}}
    if {$last_words ne ""} {
        lappend options -errorinfo "$reason\n$last_words"
    }
    return [list 1 $reason $options]
}

# An answer as the dispatcher replies: bytes stand where it has them.
proc ::torch::_::reply_of {list bytes} {
    variable state
    lassign $list status value options created
    if {$created ne "" && [llength $options] % 2 == 0} {
        set state(created) $created
        switch $status {
            0 - 1 {return [list $status $value $options]}
            2 {if {[llength $value] == 2} {return [list 2 [list $bytes {*}$value] {}]}}
            3 {return [list 3 [list $value $bytes] {}]}
        }
    }
    error "it said something that is no answer"
}

# What nobody waits for: output of the worker's, or an answer to torch::async.
proc ::torch::_::deliver {got list bytes} {
    variable channel
    variable launched
    variable settling
    if {$got} {
        if {$got in $settling} {
            set settling [lsearch -all -inline -not -exact $settling $got]
        } elseif {$got == $launched} {
            set launched 0
            land [reply_of $list $bytes]
        } else {
            error "it said something that is no answer"
        }
        if {!$launched && ![llength $settling]} {
            chan event $channel readable {}
            launch_next
        }
    } elseif {$list in {stdout stderr}} {
        # a reader that is gone is no fault of the worker's; `chan names` does not tell whether the channel is there,
        # because OpenSTA's stdout is one that it does not name
        catch {
            puts -nonewline $list [writable $list [decoded $bytes]]
            if {$list eq "stderr"} {
                chan flush $list
            }
        }
    }
}

# A text with replacements for what the channel has no letters for. Tcl 9 stops at such a letter; Tcl 8.6 replaces it.
proc ::torch::_::writable {said text} {
    variable lax
    if {$lax eq "" || [string is ascii $text]} {
        return $text
    }
    set encoding [chan configure $said -encoding]
    return [encoding convertfrom $encoding [encoding convertto -profile replace $encoding $text]]
}

# Wait for what torch::async has under way: two sides that both write much would wait for each other.
proc ::torch::_::await_async {connection} {
    variable running
    variable launched
    variable queue
    variable state
    while {[llength $running]} {
        if {!$launched} {
            error "a command was cut off before it was sent"
        }
        deliver {*}[receive $connection]
    }
    if {![llength $queue]} {
        unset state(async)
    }
}

# Send what torch::async asks for, and have the event loop wait for the answer. A limit may cut the sending off: so long
# the worker is not at rest.
proc ::torch::_::launch_worker {words bytes} {
    variable channel
    variable launched
    set list [encoded [list !async {*}$words]]
    if {[string length $list] > 0x10000000} {
        variable too_long
        land $too_long
        return
    }
    if {[catch {
        rest ""
        set launched [send $channel $list $bytes]
        chan event $channel readable ::torch::_::arrived
        rest $channel
    } message]} {
        lost $message
    }
}

# A frame came for the event loop. A limit may cut its reading off: so long the worker is not at rest.
proc ::torch::_::arrived {} {
    variable channel
    if {[catch {
        if {[set resting [expr {![busy]}]]} {
            rest ""
        }
        set frame [receive $channel]
        if {$resting} {
            rest $channel
        }
        deliver {*}$frame
    } message]} {
        lost $message
    }
}

# Stop the command of torch::async that the worker runs. PyTorch ends the operation that it is in first.
proc ::torch::_::interrupt_worker {} {
    variable process
    variable channel
    variable settling
    # a signal that comes too late means nothing any more when this is answered, and until then nothing is launched
    catch {
        send_signal USR1 $process
        lappend settling [send $channel !cancelled ""]
    }
}
