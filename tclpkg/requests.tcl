# Requests to the worker and its answers; pybridge/worker/frames.py tells how a frame is made.

# The dispatcher behind the pipe: its reply is status, value, options.
proc ::torch::_::dispatch_worker {chain called args} {
    variable channel
    variable closing
    if {$channel eq "" && $called in $closing} {
        return {0 {} {}}  ;# what it would end has ended with its worker
    }
    if {$chain eq ""} {
        return [ask [list $called {*}$args] ""]
    }
    return [ask [list !in $chain $called {*}$args] ""]
}

proc ::torch::_::dispatch_bulk_worker {bytes args} {
    return [ask [list !bulk {*}$args] $bytes]
}

proc ::torch::_::ask {words bytes} {
    variable channel
    variable cwd
    variable owner
    if {$channel eq "" || [catch {pwd} here] || $here ne $cwd || [pid] != $owner} {
        if {[catch {be_ready} message options]} {
            return [list 1 $message [list -errorcode [dict get $options -errorcode]]]
        }
    }
    return [exchange $words $bytes]
}

# Send a request and wait for its answer. What comes before it is for others. What runs beside is waited for first:
# two sides that both write much would wait for each other.
proc ::torch::_::exchange {words bytes} {
    variable channel
    variable running
    variable queue
    variable busy
    variable utf8
    variable too_long
    set list [encoding convertto {*}$utf8 $words]
    if {[string length $list] > 0x10000000} {
        return $too_long
    }
    if {$busy} {
        return {1 "the worker is busy with the command that this one has interrupted" {-errorcode {TORCH BUSY}}}
    }
    set busy 1
    if {[catch {
        while {[llength $running]} {
            deliver {*}[receive]
        }
        send $channel [set wanted [next_number]] $list $bytes
        while {[lindex [set frame [receive]] 0] != $wanted} {
            deliver {*}$frame
        }
        set reply [reply_of {*}$frame]
    } message]} {
        set busy 0
        return [lost $message]
    }
    set busy 0
    if {[llength $queue]} {
        launch_next
    }
    return $reply
}

# Numbers have 32 bits, and 0 is nobody's.
proc ::torch::_::next_number {} {
    variable number
    set number [expr {$number % 0xffffffff + 1}]
}

proc ::torch::_::lost {message} {
    variable reason
    variable channel
    variable last_words
    if {$channel ne ""} {
        lose $message
    }
    set options {-errorcode {TORCH CLOSED}}
    if {$last_words ne ""} {
        lappend options -errorinfo "$reason\n$last_words"
    }
    return [list 1 $reason $options]
}

# Send a request. One of number 0 is not answered, and goes with the next one: on a socket, a second small piece
# would wait up to 40 ms for the other side to confirm the first (Nagle's algorithm, RFC 896).
proc ::torch::_::send {connection wanted list bytes} {
    set size [string length $bytes]
    chan puts -nonewline $connection [binary format a4IIIIa* tch1 $wanted 0 [string length $list] $size $list]
    if {$size} {
        chan puts -nonewline $connection $bytes
    }
    if {$wanted} {
        chan flush $connection
    }
}

# The next frame: number, list, bytes. What is no frame is an error.
proc ::torch::_::receive {} {
    variable channel
    variable created
    variable utf8
    if {[binary scan [chan read $channel 20] a4IuIuIuIu protocol got count length size] < 5} {
        error "it said no more"
    }
    if {$protocol ne "tch1" || $length > 0x10000000} {
        error "it said something that is no answer"
    }
    set list [chan read $channel $length]
    if {[string length $list] < $length} {
        error "it said no more in the middle of an answer"
    }
    if {$count} {
        set created $count
    }
    if {!$size} {
        return [list $got [encoding convertfrom {*}$utf8 $list] ""]
    }
    set bytes [chan read $channel $size]
    if {[string length $bytes] < $size} {
        error "it said no more in the middle of an answer"
    }
    return [list $got [encoding convertfrom {*}$utf8 $list] $bytes]
}

# An answer as `call` expects it: bytes stand where the dispatcher has them.
proc ::torch::_::reply_of {got reply bytes} {
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
    variable utf8
    variable channel
    variable launched
    variable settling
    if {$got} {
        if {$got in $settling} {
            set settling [lsearch -all -inline -not -exact $settling $got]
        } elseif {$got == $launched} {
            set launched 0
            land [reply_of $got $said $bytes]
        } else {
            error "it said something that is no answer"
        }
        if {!$launched && ![llength $settling]} {
            chan event $channel readable {}
            launch_next
        }
    } elseif {$said in {stdout stderr}} {
        # a reader that is gone, or a letter that Tcl 9 cannot write there, is no fault of the worker's; `chan names`
        # does not tell whether the channel is there, because OpenSTA's stdout is one that it does not name
        catch {
            puts -nonewline $said [encoding convertfrom {*}$utf8 $bytes]
            if {$said eq "stderr"} {
                chan flush $said
            }
        }
    }
}

# Send what torch::async asks for, and have the event loop wait for the answer.
proc ::torch::_::launch_worker {words bytes} {
    variable channel
    variable launched
    variable utf8
    variable too_long
    set list [encoding convertto {*}$utf8 [list !async {*}$words]]
    if {[string length $list] > 0x10000000} {
        land $too_long
        return
    }
    if {[catch {
        send $channel [set launched [next_number]] $list $bytes
        chan event $channel readable ::torch::_::arrived
    } message]} {
        lost $message
    }
}

proc ::torch::_::arrived {} {
    if {[catch {deliver {*}[receive]} message]} {
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
        exec kill -USR1 $process
        lappend settling [set wanted [next_number]]
        send $channel $wanted !cancelled ""
    }
}
