# Requests to the worker and its answers; pybridge/worker/frames.py tells how a frame is made.

proc ::torch::_::dispatch_bulk_worker {bytes args} {
    return [ask $bytes "" !bulk {*}$args]
}

# The dispatcher behind the pipe: send a request, of words and bytes, and wait for its answer: status, value, options.
# What comes before it is for others. Every command goes through here, and each procedure that is called on the way is
# felt in what it takes.
proc ::torch::_::ask {bytes chain args} {
    variable channel
    variable owner
    variable busy
    variable in_folder
    variable running
    variable queue
    if {$chain ne ""} {
        set args [list !in $chain {*}$args]
    }
    if {$channel eq "" || $busy || [info exists in_folder([lindex $args 0])] || [pid] != $owner} {
        set refusal [get_ready $args]
        if {$refusal ne ""} {
            return $refusal
        }
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
    set busy 1
    if {[catch {
        while {[llength $running]} {
            deliver {*}[receive $channel]  ;# two sides that both write much would wait for each other
        }
        set wanted [send $channel $list $bytes]
        lassign [receive $channel] got reply bytes
        while {$got != $wanted} {
            deliver $got $reply $bytes
            lassign [receive $channel] got reply bytes
        }
        if {[llength $reply] != 3 || [lindex $reply 0] ne "0"} {
            set reply [reply_of $reply $bytes]
        }
    } message]} {
        set busy 0
        return [lost $message $args]
    }
    set busy 0
    if {[llength $queue]} {
        launch_next
    }
    return $reply
}

# Have a worker for a request that takes none for granted: empty, or the reply where there can be none.
proc ::torch::_::get_ready {words} {
    variable busy
    variable owner
    variable channel
    variable closing
    variable in_folder
    if {$channel eq "" && [verb_of $words] in $closing} {
        return {0 {} {}}  ;# what it would end has ended with its worker
    }
    if {$busy && [pid] == $owner} {
        if {[depth] > 1} {
            return [list 1 [busy_message] {-errorcode {TORCH BUSY}}]
        }
        # a limit or a cancel has torn it from its procedure, nobody knows where
        set busy 0
        lose "a command was cut off before its answer came"
    }
    if {[catch {be_ready [info exists in_folder([lindex $words 0])]} message options]} {
        return [list 1 $message [list -errorcode [dict get $options -errorcode]]]
    }
    return
}

proc ::torch::_::verb_of {words} {
    return [lindex $words [expr {[lindex $words 0] eq "!in" ? 2 : 0}]]
}

# How many requests have begun and not ended: what the worker prints may run a command of the host's that makes another.
proc ::torch::_::depth {} {
    set found 0
    for {set level [info frame]} {$level > 0} {incr level -1} {
        set frame [info frame $level]
        if {[dict exists $frame proc] && [dict get $frame proc] eq "::torch::_::ask"} {
            incr found
        }
    }
    return $found
}

proc ::torch::_::busy_message {} {
    return "the worker is busy with the command that this one has interrupted"
}

# UTF-8, which most requests are already.
proc ::torch::_::encoded {text} {
    if {[string is ascii $text]} {
        return $text
    }
    variable utf8
    return [encoding convertto {*}$utf8 $text]
}

proc ::torch::_::decoded {bytes} {
    if {[string is ascii $bytes]} {
        return $bytes
    }
    variable utf8
    return [encoding convertfrom {*}$utf8 $bytes]
}

# The reply where the worker was lost. What was to end has ended with it, and that is no error: it would take the
# place of one that has ended the body of a scope.
proc ::torch::_::lost {message {words ""}} {
    variable reason
    variable channel
    variable closing
    variable last_words
    if {$channel ne ""} {
        lose $message
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

# Send a request: its number, which the answer will have. Numbers have 32 bits, and 0 is nobody's.
proc ::torch::_::send {connection list bytes} {
    variable number
    set number [expr {$number % 0xffffffff + 1}]
    chan puts -nonewline $connection [frame $number $list $bytes]
    if {[string length $bytes]} {
        chan puts -nonewline $connection $bytes
    }
    chan flush $connection
    return $number
}

# Send what is not answered. It goes with the next request: on a socket, a second small piece would wait up to 40 ms
# for the other side to confirm the first (Nagle's algorithm, RFC 896).
proc ::torch::_::tell {connection list} {
    chan puts -nonewline $connection [frame 0 $list ""]
}

# A frame but for its bytes.
proc ::torch::_::frame {number list bytes} {
    return [binary format a4IIIIa* tch1 $number 0 [string length $list] [string length $bytes] $list]
}

# The next frame: number, list, bytes. What is no frame is an error. In Expect each `chan read` here is another command
# (expect.tcl).
proc ::torch::_::receive {connection} {
    variable created
    if {[binary scan [chan read $connection 20] a4IuIuIuIu protocol got count length size] < 5} {
        error "it said no more"
    }
    if {$protocol ne "tch1" || $length > 0x10000000} {
        error "it said something that is no answer"
    }
    if {$count} {
        set created $count
    }
    set list [chan read $connection $length]
    set bytes ""
    if {$size} {
        set bytes [chan read $connection $size]
    }
    if {[string length $list] < $length || [string length $bytes] < $size} {
        error "it said no more in the middle of an answer"
    }
    if {![string is ascii $list]} {
        set list [decoded $list]
    }
    return [list $got $list $bytes]
}

# An answer as the dispatcher replies: bytes stand where it has them.
proc ::torch::_::reply_of {reply bytes} {
    if {[llength $reply] == 3} {
        switch [lindex $reply 0] {
            0 {return $reply}
            1 {if {[llength [lindex $reply 2]] % 2 == 0} {return $reply}}
            2 {if {[llength [lindex $reply 1]] == 2} {return [list 2 [list $bytes {*}[lindex $reply 1]] {}]}}
            3 {return [list 3 [list [lindex $reply 1] $bytes] {}]}
        }
    }
    error "it said something that is no answer"
}

# What nobody waits for: output of the worker's, or an answer to torch::async.
proc ::torch::_::deliver {got said bytes} {
    variable channel
    variable launched
    variable settling
    if {$got} {
        if {$got in $settling} {
            set settling [lsearch -all -inline -not -exact $settling $got]
        } elseif {$got == $launched} {
            set launched 0
            land [reply_of $said $bytes]
        } else {
            error "it said something that is no answer"
        }
        if {!$launched && ![llength $settling]} {
            chan event $channel readable {}
            launch_next
        }
    } elseif {$said in {stdout stderr}} {
        # a reader that is gone is no fault of the worker's; `chan names` does not tell whether the channel is there,
        # because OpenSTA's stdout is one that it does not name
        catch {
            puts -nonewline $said [writable $said [decoded $bytes]]
            if {$said eq "stderr"} {
                chan flush $said
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

# Send what torch::async asks for, and have the event loop wait for the answer.
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
        set launched [send $channel $list $bytes]
        chan event $channel readable ::torch::_::arrived
    } message]} {
        lost $message
    }
}

proc ::torch::_::arrived {} {
    variable channel
    if {[catch {deliver {*}[receive $channel]} message]} {
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
