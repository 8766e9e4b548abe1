# The worker: a process of Python's that serves the commands of this interpreter. It ends with the interpreter.

# What is known of the worker. A worker that was lost leaves a reason, and is not replaced unless asked to.
proc ::torch::_::begin_worker {} {
    variable channel ""
    variable reason ""
    variable process 0  ;# its pid
    variable generation 0  ;# how many there have been
    variable created 0  ;# how many handles there have been; a new worker goes on from there
    variable cwd ""  ;# the folder it works in
    variable number 0  ;# of the last request
    variable closing {
        _scope_end _no_grad_end _local_end _local_forget _wait_begin _wait_end _coroutine_begin _coroutine_renamed
    }
    foreach name {dispatch dispatch_bulk remote shutdown restart launch interrupt begin_work} {
        rename ${name}_worker $name
    }
    proc ::torch::_::cancel_again {} {}
}

# Have a worker that runs in the folder of this process.
proc ::torch::_::be_ready {} {
    variable channel
    variable reason
    variable cwd
    if {$channel eq ""} {
        if {$reason ne ""} {
            return -code error -errorcode {TORCH CLOSED} $reason
        }
        start
    }
    if {[pwd] ne $cwd} {
        set folder [pwd]
        lassign [exchange [list !cd $folder] ""] status message options
        if {$status} {
            return -code error {*}$options $message
        }
        set cwd $folder
    }
}

proc ::torch::_::start {} {
    variable channel
    variable created
    variable generation
    variable cwd
    set folder [pwd]
    set python [find_python]
    lassign [daemon_worker $python] opened hello
    if {$opened eq ""} {
        lassign [own_worker $python] opened hello
    }
    fconfigure $opened -blocking 1
    check_greeting $python $opened $hello
    set channel $opened
    set cwd $folder
    incr generation
    trace add command ::torch::_::call delete [list ::torch::_::close_quietly $channel]
    # a channel has a -mode when it is a terminal
    set terminal [expr {![catch {fconfigure stderr -mode}]}]
    send 0 [list !begin [info patchlevel] $created $generation $terminal] ""
}

# A pipe to a worker that is started, and its greeting.
proc ::torch::_::own_worker {python} {
    if {[catch {open |[list $python -P -m pybridge.worker] r+} opened]} {
        refuse_python $python $opened
    }
    fconfigure $opened -translation binary -buffersize 1000000 -blocking 0
    return [list $opened [greeting $opened 60000]]
}

# The first frame of a worker as a list; what else it said, as an error of one element; nothing when it said nothing.
proc ::torch::_::greeting {opened patience} {
    set deadline [expr {[clock milliseconds] + $patience}]
    set data ""
    while {[clock milliseconds] < $deadline} {
        append data [read $opened]
        if {[string length $data] >= 4 && ![string match tch1* $data]} {
            break
        }
        if {[binary scan $data a4IuIuIuIu protocol number count length size] == 5
                && [string length $data] >= 20 + $length} {
            return [encoding convertfrom utf-8 [string range $data 20 [expr {19 + $length}]]]
        }
        if {[eof $opened]} {
            break
        }
        after 1
    }
    return
}

proc ::torch::_::check_greeting {python opened hello} {
    variable version
    variable process
    if {[lindex $hello 0] ne "hello"} {
        fconfigure $opened -blocking 0  ;# it need not end
        catch {close $opened} said
        refuse_python $python $said
    }
    lassign $hello - theirs process
    if {$theirs ne $version} {
        catch {close $opened}
        return -code error -errorcode [list TORCH VERSION $theirs $version] \
            "this is package torch $version but \"$python\" has tcltorch $theirs: install the same version of both"
    }
}

proc ::torch::_::refuse_python {python said} {
    set said [lindex [split [string trim $said] \n] end]
    if {$said eq ""} {
        set said "it is no Python that answers"
    }
    return -code error -errorcode {TORCH UNSUPPORTED python} "\"$python\" cannot run tcltorch ($said):\
        pip install tcltorch for it, or let ::torch::python or TORCH_TCL_PYTHON name a Python that has it"
}

# The worker is gone, or says what makes no sense: close it, and remember why.
proc ::torch::_::lose {why} {
    variable channel
    variable reason
    if {![string match file* $channel]} {
        append why "; how a worker of the daemon's ends cannot be seen"
    }
    set code [close_quietly $channel]
    set channel ""
    if {[lindex $code 0] eq "CHILDKILLED"} {
        set why "[lindex $code 3], [lindex $code 2]"
    } elseif {[lindex $code 0] eq "CHILDSTATUS"} {
        set why "exit status [lindex $code 2]"
    }
    set reason "the PyTorch process has ended ($why), and its handles with it: torch::restart starts another"
    fail_all $reason {TORCH CLOSED}
}

# The errorcode of the close, which tells how the process ended.
proc ::torch::_::close_quietly {opened args} {
    if {[catch {close $opened} message options]} {
        return [dict get $options -errorcode]
    }
    return
}

proc ::torch::_::begin_work_worker {} {
    be_ready
}

# Run a whole script on the worker's side, where a command costs no round trip.
proc ::torch::_::remote_worker {script} {
    lassign [ask [list !script $script] ""] status value options
    if {$status} {
        return -code error {*}$options $value
    }
    return $value
}

# torch::shutdown: end the worker; the next command starts another one.
proc ::torch::_::shutdown_worker {} {
    variable channel
    variable reason ""
    variable cwd ""
    if {$channel ne ""} {
        set opened $channel
        set channel ""
        trace remove command ::torch::_::call delete [list ::torch::_::close_quietly $opened]
        close_quietly $opened
    }
    fail_all "shut down" {TORCH CLOSED}
    return
}

proc ::torch::_::restart_worker {} {
    shutdown
    be_ready
    return "the handles of before are gone"
}
