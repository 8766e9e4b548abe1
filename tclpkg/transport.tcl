# Which way a command goes to Python.

# `inside`: Python has built this interpreter; `child`: its parent's commands are aliased here; `worker`: a process;
# `none`: a safe interpreter, which has what its parent gives it.
proc ::torch::_::transport {} {
    if {[namespace which ::torch::_::dispatch] eq ""} {
        return [expr {[interp issafe] ? "none" : "worker"}]
    }
    return [expr {[namespace which ::tcl::torch_end] eq "" ? "child" : "inside"}]
}

proc ::torch::_::begin {} {
    if {[namespace which ::torch::_::dispatch] eq ""} {
        # pybridge/children.py, for a child; other programs have no such package, and a safe interpreter has no `load`
        catch {load {} Tcltorch}
    }
    switch [transport] {
        inside {
            begin_inside
            begin_here
            replace_exit
        }
        child {
            begin_here
        }
        worker {
            begin_worker
        }
        none {
            begin_none
            return
        }
    }
    variable source
    set source [file normalize $source]
    begin_commands
    begin_scopes
    begin_async
}

# Make the commands that take no script. Each has a procedure of its own: an alias to `call` is felt in what it takes.
# Every program waits for this, so what `way_of` does stands here again, without a call for each command.
proc ::torch::_::begin_commands {} {
    variable commands
    variable on_files
    variable ask
    variable ask_in_folder
    dict for {name where} $commands {
        if {$where ne ""} {
            interp alias {} ::torch::$name {} ::torch::_::call_bulk $where $name
        } else {
            set way [expr {[dict exists $on_files $name] ? $ask_in_folder : $ask}]
            give ::torch::$name args "$way \[::info coroutine\] $name {*}\$args"
        }
    }
    foreach name {async cancel remote restart shutdown} {
        interp alias {} ::torch::$name {} ::torch::_::$name
    }
}

# In a safe interpreter the ensemble knows what its parent has aliased into ::torch, and nothing starts Python.
proc ::torch::_::begin_none {} {
    proc ::torch::_::unknown_subcommand {name} {
        return -code error -errorcode [list TORCH UNSUPPORTED $name] "a safe interpreter has the commands of torch\
            that its parent gives it, and \"$name\" is none: interp alias SAFE ::torch::$name {} ::torch::$name"
    }
}

# Have a prefix run when the namespace is deleted. The procedures in it go in any order, so it may need none of them.
proc ::torch::_::at_end {lambda args} {
    trace add command ::torch::_::call delete [list apply $lambda {*}$args]
}

proc ::torch::_::not_at_end {lambda args} {
    trace remove command ::torch::_::call delete [list apply $lambda {*}$args]
}
