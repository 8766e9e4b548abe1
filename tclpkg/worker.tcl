# The worker: a process of Python's that serves the commands of this interpreter. It ends with the interpreter.
#
# Hosts replace commands of Tcl's by their own: magic takes `clock`, `flush` and `label` away, Expect `close`. So names
# that they leave alone are called here and in its neighbours: `chan flush`, `::tcl::clock::milliseconds`, `::tk::label`.

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
    # Tcl 9 refuses half a surrogate pair unless told otherwise
    variable utf8 [expr {[package vsatisfies [package provide Tcl] 9-] ? "-profile tcl8 utf-8" : "utf-8"}]
    variable patience 30000  ;# milliseconds that a Python may take to greet
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
    at_end {*}[closer $channel]
    # a channel has a -mode when it is a terminal
    set terminal [expr {![catch {fconfigure stderr -mode}]}]
    send 0 [list !begin [info patchlevel] $created $generation $terminal] ""
}

# A pipe to a worker that is started, and its greeting.
proc ::torch::_::own_worker {python} {
    variable patience
    if {[catch {open |[list $python -P -m pybridge.worker] r+} opened]} {
        refuse_python $python $opened
    }
    fconfigure $opened -translation binary -buffersize 1000000 -blocking 0
    return [list $opened [greeting $opened $patience]]
}

# The first frame of a worker as a list; nothing when it said none. The worker greets before it loads PyTorch.
proc ::torch::_::greeting {opened patience} {
    variable utf8
    set deadline [expr {[::tcl::clock::milliseconds] + $patience}]
    set data ""
    while {[::tcl::clock::milliseconds] < $deadline && ![eof $opened]} {
        append data [read $opened]
        if {[string length $data] >= 4 && ![string match tch1* $data]} {
            break
        }
        if {[binary scan $data a4IuIuIuIu protocol number count length size] == 5
                && [string length $data] >= 20 + $length} {
            return [encoding convertfrom {*}$utf8 [string range $data 20 [expr {19 + $length}]]]
        }
        after 1
    }
    return
}

proc ::torch::_::check_greeting {python opened hello} {
    variable version
    variable process
    set ended [eof $opened]
    fconfigure $opened -blocking 1
    lassign $hello said theirs process
    if {$said eq "hello" && $theirs eq $version} {
        return
    }
    if {!$ended} {
        catch {exec kill -9 {*}[pid $opened]}  ;# it need not end by itself
    }
    catch {chan close $opened} stderr
    if {$said ne "hello"} {
        refuse_python $python [expr {$ended ? $stderr : ""}]
    }
    return -code error -errorcode [list TORCH VERSION $theirs $version] \
        "this is package torch $version but \"$python\" has tcltorch $theirs: install the same version of both"
}

proc ::torch::_::refuse_python {python stderr} {
    set said [lindex [split [string trim $stderr] \n] end]
    if {$said eq "" || $said eq "child process exited abnormally"} {
        set said "it does not answer as one"
    } elseif {[string match "*Unknown option: -P*" $stderr]} {
        set said "it is older than 3.11"
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

# What closes a channel when the namespace is deleted.
proc ::torch::_::closer {opened} {
    return [list {{opened args} {catch {chan close $opened}}} $opened]
}

# The errorcode of the close, which tells how the process ended.
proc ::torch::_::close_quietly {opened} {
    not_at_end {*}[closer $opened]
    if {[catch {chan close $opened} message options]} {
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
