# Scripts on the worker's side, commands that are not waited for, and the worker's life.

proc ::torch::_::begin_remote {transport} {
    set kind [expr {$transport eq "worker" ? "worker" : "inside"}]
    foreach name {remote shutdown restart} {
        interp alias {} ::torch::$name {} ::torch::_::${name}_$kind
    }
}

proc ::torch::_::remote_worker {script} {
    lassign [ask [list !script $script] ""] status value options
    if {$status} {
        return -code error {*}$options $value
    }
    return $value
}

proc ::torch::_::remote_inside {script} {
    uplevel #0 $script
}

proc ::torch::_::shutdown_inside {} {
    call free {*}[call handles]
    return
}

proc ::torch::_::restart_inside {} {
    shutdown_inside
    return "the handles of before are gone"
}
