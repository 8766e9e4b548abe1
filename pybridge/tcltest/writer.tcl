# What writes the events: another interpreter.
#
# Events go to a file of their own, opened for each line: no channel is open that a suite could see or close, and all
# events so far are there when the process is killed. A line is words with tabs between them. Another interpreter
# writes them, for a suite may replace `open` or `puts` in its own. It is a child in our namespace, and a suite that asks
# which children there are does not see it. It has no standard channels: one that a suite closes would stay open for it,
# and the next that the suite opens would not get that one's place.

proc ::pytest_tcltest::start_writer {} {
    variable writer
    variable lent
    variable encoding
    if {$lent || [namespace which -command $writer] ne ""} {
        return
    }
    interp create $writer
    take_limits $writer
    catch {interp share {} stdout $writer} ;# first we must have them, too, or closing them is for good
    variable process
    interp eval $writer [list set encoding $encoding]
    interp eval $writer [list set process $process]
    interp eval $writer [list proc by_name {args} [info body by_name]]
    interp eval $writer {
        foreach channel [chan names] {
            close $channel
        }
        proc in_writer {args} {
            tailcall {*}$args
        }
        # Nothing of a process that `fork` of TclX or Expect has made: pytest could not tell it from the other.
        proc write_event {path words} {
            variable process
            if {[pid] != $process} {
                return
            }
            set line [join [lmap word $words {string map {\\ \\\\ \t \\t \n \\n} $word}] \t]
            if {[string length $line] > 200000} {
                set line "\tapart\t[write_apart $path $line]"
            }
            write_line [by_name open $path {WRONLY APPEND}] $line ;# not a new one, which nobody reads
        }
        # Written at once, so that lines of several threads do not mix; a character has 4 bytes at most.
        proc write_line {channel line} {
            fconfigure $channel -encoding utf-8 -translation lf -buffersize [expr {4 * [string length $line] + 100}]
            catch {fconfigure $channel -profile tcl8} ;# Tcl 9 would refuse half a surrogate pair
            puts $channel $line
            close $channel
        }
        # A line that no buffer of Tcl's holds gets a file of its own. This returns the end of its name.
        proc write_apart {path line} {
            variable number
            while 1 {
                set end .[incr number]
                try {
                    set channel [by_name open $path$end {WRONLY CREAT EXCL}]
                    break
                } trap {POSIX EEXIST} {} {} ;# of another thread
            }
            write_line $channel $line
            return $end
        }
        proc read_text {path} {
            set channel [by_name open $path]
            fconfigure $channel -encoding utf-8 -translation lf
            catch {fconfigure $channel -profile tcl8} ;# Tcl 9 would refuse half a surrogate pair
            set text [read -nonewline $channel]
            close $channel
            return $text
        }
        proc sizes {args} {
            lmap path $args {by_name file size $path}
        }
        # How many bytes of a file this text is that stands at its end; 0 if it does not.
        proc ends_with {path encoding text} {
            if {[catch {encoding convertto -profile replace $encoding $text} bytes]} {
                set bytes [encoding convertto $encoding $text] ;# Tcl 8.6 knows no profiles
            }
            set length [string length $bytes]
            set channel [by_name open $path rb]
            seek $channel [expr {max(0, [by_name file size $path] - $length)}]
            set end [read $channel]
            close $channel
            return [expr {$end eq $bytes ? $length : 0}]
        }
        proc mentions {path pattern} {
            if {![file isfile $path] || [catch {open $path rb} channel]} { # what a pipe gives can be read once
                return 0
            }
            set text [read $channel]
            close $channel
            return [regexp -all -line -- $pattern $text]
        }
        # Whether tcltest's totals stand in a file behind this place. A suite may have set an encoding of several bytes.
        proc has_totals {path start} {
            set channel [by_name open $path rb]
            seek $channel $start
            set text [string map [list \0 {}] [read $channel]]
            close $channel
            return [string match *\tTotal\t* $text]
        }
        proc now {} {
            clock microseconds
        }
    }
}

# A suite may set a system encoding in which names of files are others. The writer has this procedure, too.
proc ::pytest_tcltest::by_name {args} {
    variable encoding
    set now [in_writer encoding system]
    if {$now eq $encoding} {
        tailcall {*}$args
    }
    in_writer encoding system $encoding
    catch $args result options
    in_writer encoding system $now
    return -options $options $result
}

# Take from a new interpreter the limits that it has from the one that has made it. The word `commands` is whole, here and
# elsewhere: Tcl keeps with a word what it is short for, and tells that in messages on a procedure's argument of its name.
proc ::pytest_tcltest::take_limits {path} {
    interp limit $path commands -value {}
    interp limit $path time -seconds {}
}

# A suite may delete all aliases and all children, which gets it another writer. `interp cancel` cancels what runs in an
# interpreter, and whatever is next in its children: here, nothing.
proc ::pytest_tcltest::in_writer {args} {
    variable writer
    start_writer
    catch {$writer eval list}
    tailcall $writer eval $args
}

# Write an event; whether that was possible. A suite may have used up all file descriptors, or have given up the rights to
# write there: then it comes before the next one. A child's writer, which is lent, has these kept here: it may be deleted.
proc ::pytest_tcltest::write_event {path words} {
    variable lent
    variable untold
    if {$lent} {
        tailcall in_writer write_event $path $words
    }
    lappend untold $words
    while {[llength $untold]} {
        set untold [lassign $untold event]
        if {[catch {in_writer write_event $path $event}]} {
            set untold [list $event {*}$untold]
            return 0
        }
    }
    return 1
}

proc ::pytest_tcltest::emit {args} {
    variable plan
    variable thread
    return [write_event $plan(events) [list $thread {*}$args]]
}

# Tell of the end of a file, if need be by a line for which process.py looks.
proc ::pytest_tcltest::emit_end {kind} {
    if {![emit $kind]} {
        catch {::tcl::chan::puts stderr "pytest cannot be told of all tests"}
    }
}

# How much the process has written to its standard channels; where that cannot be told, how much it had.
proc ::pytest_tcltest::written {} {
    variable plan
    variable sizes
    foreach channel {stdout stderr} {
        catch {::tcl::chan::flush $channel} ;# a suite may have closed it, and may have replaced `flush`
    }
    catch {set sizes [in_writer sizes $plan(stdout) $plan(stderr)]}
    return $sizes
}

proc ::pytest_tcltest::read_lines {path} {
    return [lmap line [split [in_writer read_text $path] \n] {
        lmap word [split $line \t] {string map {\\\\ \\ \\t \t \\n \n} $word}
    }]
}
