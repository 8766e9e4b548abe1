# The transport inside the tcltorch program: tkinter's commands call Python. What elsewhere happens in the worker
# happens here.

proc ::torch::_::begin_inside {} {
    # tkinter hands words over as text, which bytes are not: Python reads the variable of this procedure
    proc ::torch::_::dispatch_bulk {bytes args} {
        take_bulk {*}$args
    }
}

proc ::torch::_::begin_here {} {
    proc ::torch::_::begin_work {} {}

    proc ::torch::_::busy {} {
        return 0
    }

    proc ::torch::_::remote {script} {
        uplevel #0 $script
    }

    proc ::torch::_::launch {words bytes} {
        after 0 [list ::torch::_::work_off $words $bytes]
    }

    # It cannot be stopped once it has begun, and until then it waits for the event loop.
    proc ::torch::_::interrupt {} {
        land {1 interrupted {-errorcode {TORCH INTERRUPT}}}
    }

    proc ::torch::_::shutdown {} {
        fail_all "shut down" {TORCH CLOSED}
        call free {*}[call handles]
        call set_grad_enabled 1
        return
    }

    proc ::torch::_::restart {} {
        shutdown
        return "the handles of before are gone"
    }
}

proc ::torch::_::work_off {words bytes} {
    variable running
    if {$words ne [lindex $running 2 0]} {
        return  ;# cancelled
    }
    switch [lindex $words 0] {
        !script {
            set status [catch {remote [lindex $words 2]} value options]
            land [list [expr {$status != 0}] $value [dict remove $options -errorstack -errorline]]
        }
        !bulk {
            land [dispatch_bulk $bytes {*}[lrange $words 1 end]]
        }
        !in {
            land [dispatch {*}[lrange $words 1 end]]
        }
    }
}
