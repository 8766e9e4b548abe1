# Sources test files in this process as tclsh would, and tells pytest what happens in them. The argument is the plan,
# written by process.py; more are those of processes.tcl. All this is plain Tcl 8.6 or later, so that any interpreter can
# run it.

source -encoding utf-8 [file join [file dirname [file normalize [info script]]] interpreter.tcl]
set ::pytest_tcltest::here [file dirname [file normalize [info script]]]

proc ::pytest_tcltest::source_as_tclsh {path} {
    variable plan
    uplevel #0 [list source {*}[expr {$plan(utf8) ? "-encoding utf-8" : ""}] $path]
}

proc ::pytest_tcltest::set_arguments {} {
    variable plan
    set ::argv $plan(argv)
    set ::argc [llength $plan(argv)]
}

# Whether a file has taken away the tcltest that tells of tests.
proc ::pytest_tcltest::lost_tcltest {} {
    variable instrumented
    return [expr {[info exists instrumented] && [namespace which ::tcltest::pytest_Skipped] eq ""}]
}

proc ::pytest_tcltest::run_file {folder name} {
    variable number
    variable made
    array unset made
    variable file [file normalize [file join $folder $name]]
    variable files [list $file]
    if {$number && [lost_tcltest]} {
        exit 0 ;# pytest starts another process for the files that are left
    }
    cd $folder
    set ::argv0 $name
    set_arguments
    emit file $number {*}[written]
    begin_file
    set code [catch {source_as_tclsh $name} message options]
    if {$code in {0 2}} {
        end_file
        emit sourced
    } elseif {$code == 1} {
        emit died $message [dict get $options -errorinfo]
    } else {
        emit died "code $code outside of a loop" ""
    }
}

proc ::pytest_tcltest::main {path args} {
    variable plan
    variable number
    variable plan_path $path
    variable prepared 1
    start_writer
    set files [read_plan]
    variable mode $plan(mode)
    foreach script [lrange [scripts] 1 end] {
        uplevel #0 [list source -encoding utf-8 $script]
    }
    if {[llength $args]} {
        run_for_another [lindex $args 0] [lindex $args 1] [lrange $args 2 end]
        return
    }
    catch {fconfigure stdout -buffering line}
    # tclsh does not compile its script, but `source` does; only so does Tcl know then where the words of commands stand
    interp debug {} -frame 1
    set_arguments ;# the set-up script may load tcltest, which reads them
    watch
    if {$plan(setup) ne "" && [catch {source_as_tclsh $plan(setup)} message options]} {
        emit setup_died $message [dict get $options -errorinfo]
        exit 1
    }
    foreach file $files {
        run_file {*}$file
        incr number
    }
}

::pytest_tcltest::main {*}$::argv
