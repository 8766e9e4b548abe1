# The daemon (`tcltorch daemon start`): a process that has PyTorch loaded and forks a worker for each program.

# A connection to a worker of the daemon's, and the greeting of that worker; nothing when there is no daemon
# that would serve this program in the place of this Python.
proc ::torch::_::daemon_worker {python} {
    variable version
    if {[catch {
        set facts [daemon_facts]
        if {[dict get $facts version] ne $version || ![is_python $python [dict get $facts python]]} {
            return
        }
        set connection [socket 127.0.0.1 [dict get $facts port]]
    }]} {
        return
    }
    variable beginning $connection
    if {[catch {
        carry_frames $connection
        introduce $connection [dict get $facts token]
        chan configure $connection -blocking 0
        set hello [greeting $connection 10000]
        if {[lindex $hello 3] ne [dict get $facts answer]} {
            error "another program has its port"
        }
    }]} {
        close_quietly $connection
        set beginning ""
        return
    }
    return [list $connection $hello]
}

# What the daemon tells in a file that only its user can read. An error when there is none, or it has ended.
proc ::torch::_::daemon_facts {} {
    if {([info exists ::torch::daemon] && !$::torch::daemon)
            || ([info exists ::env(TORCH_TCL_DAEMON)] && $::env(TORCH_TCL_DAEMON) eq "0")} {
        error "not wanted"
    }
    if {[info exists ::env(XDG_RUNTIME_DIR)] && [string match /* $::env(XDG_RUNTIME_DIR)]} {
        set folder $::env(XDG_RUNTIME_DIR)/tcltorch
    } else {
        set folder $::env(HOME)/.cache/tcltorch
    }
    set file $folder/daemon-[read_file /proc/sys/kernel/hostname]
    if {![file owned $folder] || ![file owned $file] || [file attributes $file -permissions] & 0o077} {
        error "not this user's alone"
    }
    set facts [read_file $file]
    if {![file owned /proc/[dict get $facts pid]]} {
        error "ended"
    }
    return $facts
}

proc ::torch::_::read_file {name} {
    set file [open $name]
    chan configure $file -encoding utf-8
    set text [read -nonewline $file]
    chan close $file
    return $text
}

# Whether two names are of one Python, with the same packages: a folder of programs has one.
proc ::torch::_::is_python {name other} {
    if {$name eq $other && [file pathtype $name] eq "absolute" && [file executable $name]} {
        return 1  ;# what follows takes longer
    }
    set found [lindex [auto_execok $name] 0]
    if {$found eq ""} {
        return 0
    }
    set found [file normalize $found]
    return [expr {$found eq [file normalize $other]
            || ([file dirname $found] eq [file dirname [file normalize $other]]
                && [real_name $found] eq [real_name $other])}]
}

# The file itself, where the name may be that of a link.
proc ::torch::_::real_name {name} {
    file dirname [file normalize $name/x]
}

# Say who is here, and what the worker takes over.
proc ::torch::_::introduce {connection token} {
    variable version
    set arguments {}
    if {[info exists ::argv0]} {
        lappend arguments $::argv0
    }
    if {[info exists ::argv]} {
        lappend arguments {*}$::argv
    }
    set theirs [list [list [pwd]] [array get ::env] $arguments]
    if {![string is ascii $theirs]} {
        set theirs [lmap words $theirs {lmap word $words {to_system $word}}]
    }
    lassign $theirs folder environment arguments
    tell $connection [encoded \
        [list !client $token $version [lindex $folder 0] [pid] $environment $arguments]]
    chan flush $connection
}
