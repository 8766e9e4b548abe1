# The worker: a process of Python's that serves the commands of this interpreter. It ends with the interpreter.
#
# Hosts replace commands of Tcl's by their own: magic takes `clock`, `flush` and `label` away, Expect `close`. So names
# that they leave alone are called here and in its neighbours: `chan flush`, `::tcl::clock::milliseconds`,
# `::tk::label`.

# What is known of the worker. A worker that was lost leaves a reason, and is not replaced unless asked to.
proc ::torch::_::begin_worker {} {
    variable channel ""
    variable reason ""
    variable beginning ""  ;# the connection to one that has not greeted yet
    variable process 0  ;# its pid
    variable generation 0  ;# how many there have been
    variable cwd ""  ;# the folder it works in
    # All that a command looks at, in one array, because a link to each variable is felt: the number of the last request;
    # how many handles there have been, from where a new worker goes on; `async` once torch::async was used; and, under
    # the pid of this process, the worker's channel while no command waits for its answer.
    variable state
    array set state {number 0 created 0}
    variable launched 0  ;# of the request of torch::async that is under way
    variable owner [pid]  ;# a forked child has no part in the worker
    variable last_words ""  ;# what a worker that was lost has left on its standard error
    variable too_long {1 "a command must have at most 256 MiB of text" {-errorcode {TORCH UNSUPPORTED size}}}
    variable closing {
        _scope_end _no_grad_end _local_end _local_forget _wait_begin _wait_end _coroutine_begin _coroutine_renamed
    }
    # Tcl 9 refuses half a surrogate pair unless told otherwise
    variable lax [expr {[package vsatisfies [package provide Tcl] 9-] ? "-profile tcl8" : ""}]
    variable utf8 [list {*}$lax utf-8]
    variable patience 30000  ;# milliseconds that a Python may take to greet
    variable ask {::torch::_::ask ""}
    variable ask_in_folder {::torch::_::ask_in_folder ""}
    interp alias {} ::torch::_::dispatch {} {*}$ask
    foreach name {busy dispatch_bulk remote shutdown restart launch interrupt begin_work} {
        rename ${name}_worker $name
    }
    proc ::torch::_::cancel_again {} {}
    outlast_traps
}

# Have a worker, where its folder matters one that runs in that of this process.
proc ::torch::_::be_ready {{folder_matters 1}} {
    variable channel
    variable reason
    variable cwd
    variable owner
    if {[pid] != $owner} {
        begin_fork
    }
    if {$channel eq ""} {
        if {$reason ne ""} {
            return -code error -errorcode {TORCH CLOSED} $reason
        }
        start
    }
    if {$folder_matters && [set folder [working_folder]] ne $cwd} {
        set before $cwd
        set cwd $folder
        lassign [ask "" "" !cd $folder [to_system $folder]] status message options
        if {$status} {
            set cwd $before
            return -code error {*}$options $message
        }
    }
}

# A host that has forked itself, as Expect does: the worker is the parent's.
proc ::torch::_::begin_fork {} {
    variable owner
    variable state
    unset -nocomplain state($owner) state(async)
    set owner [pid]
    let_go
    foreach {name value} {running {} queue {} launched 0 settling {} cwd "" reason ""} {
        variable $name $value
    }
}

proc ::torch::_::start {} {
    variable channel
    variable beginning
    variable state
    variable generation
    variable cwd
    variable owner
    if {$beginning ne ""} {
        # a limit has cut its start off
        apply {*}[closer $beginning]
        not_at_end {*}[closer $beginning]
    }
    set folder [working_folder]
    set python [find_python]
    lassign [daemon_worker $python] connection hello
    if {$connection eq ""} {
        lassign [own_worker $python] connection hello
    }
    check_greeting $python $connection $hello
    outlast_traps  ;# the package may be older here than Expect, or this process a fork
    set cwd [expr {[is_native $folder] ? $folder : ""}]
    incr generation
    # a channel has a -mode when it is a terminal
    set terminal [expr {![catch {chan configure stderr} found] && [dict exists $found -mode]}]
    tell $connection [list !begin [info patchlevel] [encoding system] $state(created) $generation $terminal]
    open_again $connection
    at_end {*}[closer $connection]
    # at last, and by one command: a limit may cut this off
    lassign [list "" $connection $connection] beginning channel state($owner)
}

# Nothing is asked of the worker, or with an empty channel there is none any more.
proc ::torch::_::rest {connection} {
    variable state
    unset -nocomplain state([pid])
    if {$connection ne ""} {
        set state([pid]) $connection
    }
}

# The folder of this process; where it was deleted, the one that the worker is in.
proc ::torch::_::working_folder {} {
    variable cwd
    if {[catch {pwd} folder] || $folder eq ""} {
        return $cwd
    }
    return $folder
}

# Whether a process can be in the folder. In others, as those of zipfs, only Tcl is.
proc ::torch::_::is_native {folder} {
    return [expr {$folder ne "" && [lindex [file system $folder] 0] eq "native"}]
}

# The bytes behind a text that Tcl has from the system, as characters: the worker may have another encoding for it.
proc ::torch::_::to_system {text} {
    variable lax
    return [encoding convertto {*}$lax [encoding system] $text]
}

# A pipe to a worker that is started, and its greeting.
proc ::torch::_::own_worker {python} {
    variable patience
    # a tool's PYTHONHOME is for a Python of its own
    set home [array get ::env PYTHONHOME]
    unset -nocomplain ::env(PYTHONHOME)
    set failed [catch {open |[list $python -P -m pybridge.worker] r+} connection]
    array set ::env $home
    if {$failed} {
        refuse_python $python {*}[why_no_worker $connection $::errorCode]
    }
    variable beginning $connection
    carry_frames $connection
    chan configure $connection -blocking 0
    return [list $connection [greeting $connection $patience]]
}

proc ::torch::_::check_greeting {python connection hello} {
    variable version
    variable process
    variable patience
    set ended [chan eof $connection]
    chan configure $connection -blocking 1 -buffering none
    lassign $hello said theirs process
    if {$said eq "hello" && $theirs eq $version} {
        return
    }
    if {!$ended} {
        catch {send_signal KILL {*}[pid $connection]}  ;# it need not end by itself
    }
    variable beginning ""
    set code NONE
    if {[catch {chan close $connection} why options]} {
        set code [dict get $options -errorcode]
    }
    if {$said eq "hello"} {
        return -code error -errorcode [list TORCH VERSION $theirs $version] \
            "this is package torch $version but \"$python\" has tcltorch $theirs: install the same version of both"
    } elseif {$said ne "" || ($ended && $why eq "")} {
        refuse_python $python "it does not answer as one" 1
    } elseif {!$ended} {
        refuse_python $python "it has said nothing for [expr {$patience / 1000.0}] seconds" 0
    }
    refuse_python $python {*}[why_no_worker $why $code]
}

# Why a program has not become a worker, from its last words or Tcl's and the errorcode of its end, and whether it is no
# Python of ours.
proc ::torch::_::why_no_worker {words code} {
    set lines [split [string trim $words] \n]
    set last [lindex $lines [lsearch -glob $lines "Fatal Python error: *"]]
    if {$last eq ""} {
        set last [lindex $lines end]
    }
    if {[string match "*KeyboardInterrupt*" $last] || [lindex $code 2] eq "SIGINT"} {
        return -code error -errorcode {TORCH INTERRUPT} "interrupted"
    } elseif {[string match "*Unknown option: -P*" $words]} {
        return [list "it is older than 3.11" 1]
    } elseif {$last eq "child process exited abnormally"} {
        return [list "it has ended with status [lindex $code 2] and said nothing" 0]
    }
    return [list $last [regexp {No module named|^couldn't execute} $words]]
}

proc ::torch::_::refuse_python {python why advised} {
    set advice ": pip install tcltorch for it, or let ::torch::python or TORCH_TCL_PYTHON name a Python that has it"
    return -code error -errorcode {TORCH UNSUPPORTED python} \
        "\"$python\" cannot run tcltorch ($why)[expr {$advised ? $advice : ""}]"
}

# The worker is gone, or says what makes no sense: close it, and remember why.
proc ::torch::_::lose {why} {
    variable channel
    variable reason
    variable launched 0
    variable settling {}
    variable last_words
    set killed [kill_unless_ended $channel $why]
    lassign [close_quietly $channel] code last_words
    set how [how_it_ended $why $code $killed [string match file* $channel]]
    set channel ""
    rest ""
    set reason "the worker has ended$how, and its handles with it: torch::restart starts another"
    fail_all $reason {TORCH CLOSED}
}

# Whether a worker had to be killed: one that goes on, or that has closed the pipe and is there a second later.
# One of the daemon's ends with the connection, which is closed without a wait for it.
proc ::torch::_::kill_unless_ended {connection why} {
    if {[catch {pid $connection} process]} {
        return 0  ;# the program has closed it
    }
    if {$process eq ""} {
        chan configure $connection -blocking 0
        return 0
    }
    set patience [expr {[chan eof $connection] || [regexp {^error (writing|flushing) } $why] ? 1000 : 0}]
    set deadline [expr {[::tcl::clock::milliseconds] + $patience}]
    while {![has_ended $process]} {
        if {[::tcl::clock::milliseconds] >= $deadline} {
            catch {send_signal KILL $process}
            return 1
        }
        after 1
    }
    return 0
}

# By the shell, which is there where the path leads nowhere, and knows `kill` where no package has brought it.
proc ::torch::_::send_signal {name args} {
    exec /bin/sh -c {kill -s "$0" "$@"} $name {*}$args
}

# Whether a child of this process has ended, waited for or not.
proc ::torch::_::has_ended {process} {
    if {[catch {read_file /proc/$process/stat} stat]} {
        return [file exists /proc/self]
    }
    return [regexp {.*\) [ZX] } $stat]
}

# In parentheses, how a worker has ended, as far as it can be seen: of the daemon's, only what it has said.
proc ::torch::_::how_it_ended {why code killed on_pipe} {
    if {!$killed && [lindex $code 0] eq "CHILDKILLED"} {
        set why "[lindex $code 3], [lindex $code 2]"
    } elseif {!$killed && [lindex $code 0] eq "CHILDSTATUS"} {
        set why "exit status [lindex $code 2]"
    } elseif {[string match "can not find channel*" $why]} {
        set why "the program has closed its channel"
    } elseif {!$on_pipe && ($why eq "it said no more" || [string match "error *" $why])} {
        return
    }
    return " ($why)"
}

# What closes a channel when the namespace is deleted.
proc ::torch::_::closer {connection} {
    return [list {{connection args} {catch {
        chan configure $connection -blocking 0
        chan close $connection
    }}} $connection]
}

# Have no worker any more. It ends by itself, also one that is stuck, whenever that ends; nobody waits for it.
proc ::torch::_::let_go {} {
    variable channel
    if {$channel ne ""} {
        set connection $channel
        set channel ""
        rest ""
        chan configure $connection -blocking 0
        close_quietly $connection
    }
}

# The errorcode of the close, which tells how the process ended, and what it has said last.
proc ::torch::_::close_quietly {connection} {
    not_at_end {*}[closer $connection]
    if {[catch {chan close $connection} message options]} {
        return [list [dict get $options -errorcode] $message]
    }
    return
}

proc ::torch::_::begin_work_worker {} {
    be_ready
}

# Run a whole script on the worker's side, where a command costs no round trip.
proc ::torch::_::remote_worker {script} {
    lassign [ask_in_folder "" "" !script [info coroutine] $script] status value options
    if {[dict exists $options -level]} {
        dict incr options -level  ;# as seen by who calls this
    }
    return -code [expr {$status ? "error" : "ok"}] {*}$options $value
}

# torch::shutdown: end the worker; the next command starts another one.
proc ::torch::_::shutdown_worker {} {
    if {[depth]} {
        return -code error -errorcode {TORCH BUSY} [busy_message]
    }
    variable reason ""
    variable cwd ""
    variable launched 0
    variable settling {}
    let_go
    fail_all "shut down" {TORCH CLOSED}
    return
}

proc ::torch::_::restart_worker {} {
    shutdown
    be_ready
    variable channel
    # a fork of this host would send what is held a second time; of a worker that has ended, the next command tells
    catch {chan flush $channel}
    return "the handles of before are gone"
}
