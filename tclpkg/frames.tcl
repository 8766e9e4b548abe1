# Frames, in which this program and its worker talk; pybridge/worker/frames.py tells how one is made.
#
# What sends one and what takes one is text that stands in the procedures themselves, and Tcl's commands have their own
# names there, without the detour by an ensemble: every command goes this way, and all that is called on it is felt.

namespace eval ::torch::_ {
    variable reading ::tcl::chan::read  ;# in Expect another command (expect.tcl)
    variable talkers {}  ;# the procedures that have it in them
    # over `channel`: `list` and `bytes`, as a request with a new `number`; `bytes` is empty then. What is short is
    # written at once, with no buffer to be flushed; together with what is held it fits into one.
    variable sending {
        set number [set state(number) [expr {$state(number) % 0xffffffff + 1}]]
        if {[string length $bytes] || [string length $list] > 100000} {  ;# a comparison of bytes would make their text
            send_much $channel $number $list $bytes
            set bytes ""
        } else {
            ::tcl::chan::puts -nonewline $channel [::tcl::binary::format IIa* [string length $list] $number $list]
        }
    }
    # the next frame: `got`, its number, `list` and, where it has some, `bytes`, which must be empty before; what is
    # none is an error
    variable receiving {
        if {[::tcl::binary::scan [READ $channel 8] IuIu length got] < 2} {
            error "it said no more"
        }
        if {$length > 0x10000000} {
            lassign [receive_rest $channel $length] list bytes
        } else {
            set list [READ $channel $length]
            if {[string length $list] < $length} {
                error "it said no more in the middle of an answer"
            }
        }
    }
}

# Make a procedure that sends and receives.
proc ::torch::_::talker {name parameters body} {
    variable talkers
    variable sending
    variable receiving
    variable reading
    proc $name $parameters [string map [list READ $reading] [string map [list SEND $sending RECEIVE $receiving] $body]]
    dict set talkers $name [list $parameters $body]  ;# at last: a limit may cut this off
}

# Have all of them read by another command.
proc ::torch::_::read_by {command} {
    variable talkers
    variable reading
    if {$command eq $reading} {
        return
    }
    set reading $command
    dict for {name made} $talkers {
        talker $name {*}$made
    }
}

# Send a request, and tell its number, which the answer will have. Numbers have 32 bits, and 0 is nobody's.
::torch::_::talker ::torch::_::send {channel list bytes} {
    variable state
    SEND
    return $number
}

# Have a channel carry frames.
proc ::torch::_::carry_frames {channel} {
    chan configure $channel -translation binary -buffersize 1000000
}

# Send what is not answered, with the next request, unless it is long.
proc ::torch::_::tell {channel list} {
    hold $channel [binary format IIa* [string length $list] 0 $list]
    if {[chan pending output $channel] > 100000} {
        chan flush $channel
    }
}

# Have data go with what is written next: on a socket, a second small piece would wait up to 40 ms for the other side to
# confirm the first (Nagle's algorithm, RFC 896).
proc ::torch::_::hold {channel data} {
    chan configure $channel -buffering full
    chan puts -nonewline $channel $data
    chan configure $channel -buffering none
}

::torch::_::talker ::torch::_::receive {channel} {
    set bytes ""
    RECEIVE
    return [list $got $list $bytes]
}

# A request that has bytes, or that may not fit into the buffer with what is held: where it writes at once, Tcl takes
# that for a part of the request, and keeps the end of it.
proc ::torch::_::send_much {channel number list bytes} {
    set length [string length $list]
    if {[string length $bytes]} {
        hold $channel [binary format IIIa* [expr {$length + 0x80000000}] $number [string length $bytes] $list]
        hold $channel $bytes
    } else {
        hold $channel [binary format IIa* $length $number $list]
    }
    chan flush $channel
}

# What follows a header whose length says more: a list that is not ASCII, or bytes.
::torch::_::talker ::torch::_::receive_rest {channel length} {
    set size 0
    set bytes ""
    if {$length & 0x80000000 && [binary scan [READ $channel 4] Iu size] < 1} {
        error "it said no more in the middle of an answer"
    }
    set length [expr {$length & 0x3fffffff}]
    if {$length > 0x10000000} {
        error "it said something that is no answer"
    }
    set list [READ $channel $length]
    if {$size} {
        set bytes [READ $channel $size]
    }
    if {[string length $list] < $length || [string length $bytes] < $size} {
        error "it said no more in the middle of an answer"
    }
    return [list [decoded $list] $bytes]
}

# The first frame of a worker as a list; `garbled` for what is none, and nothing when nothing came. The worker greets
# before it loads PyTorch, and until then `ask` is made, which the first command needs.
proc ::torch::_::greeting {connection patience} {
    set begun [::tcl::clock::milliseconds]
    make_ask
    set data ""
    set needed 8
    while {[set waited [expr {[::tcl::clock::milliseconds] - $begun}]] < $patience && ![chan eof $connection]} {
        append data [chan read $connection [expr {$needed - [string length $data]}]]
        if {[binary scan $data Iu length] && $length > 10000} {
            return garbled
        } elseif {[string length $data] < $needed} {
            after [expr {$waited >= 10}]  ;# a worker of the daemon's greets sooner than a sleep ends
        } elseif {$needed == 8} {
            set needed [expr {8 + $length}]
        } else {
            return [decoded [string range $data 8 end]]
        }
    }
    return
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
