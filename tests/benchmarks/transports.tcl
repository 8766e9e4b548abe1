# Run by transports.py in a stock tclsh: each figure in turn with what it is compared with; prints a dict of medians.

package require torch

proc median {values} {
    lindex [lsort -real $values] [expr {[llength $values] / 2}]
}

# Microseconds for one of `count` runs of each script, the median of `rounds` turns.
proc in_turn {rounds count args} {
    foreach script $args {
        uplevel #0 $script
    }
    for {set i 0} {$i < $rounds} {incr i} {
        foreach script $args {
            lappend found($script) [lindex [uplevel #0 [list time $script $count]] 0]
        }
    }
    return [lmap script $args {median $found($script)}]
}

set bare [open |[list {*}$argv] r+]
fconfigure $bare -translation binary
set x [torch::ones 4]
set result [dict create]

proc exchange {} {
    puts -nonewline $::bare "a request of forty bytes, more or less..."
    flush $::bare
    read $::bare 20
}

lassign [in_turn 15 2000 {exchange} {torch::tensor_numel $x}] bare_us command_us
dict set result exchange [list $command_us $bare_us]

lassign [in_turn 5 200 {torch::remote {for {set i 0} {$i < 10} {incr i} {torch::version}}} {
    for {set i 0} {$i < 10} {incr i} {torch::version}
}] remote each
dict set result remote [list $remote $each]

set numbers [lmap i [lrepeat 1000000 0] {expr {rand()}}]
lassign [in_turn 7 1 {torch::free [torch::tensor_create $numbers float64]}] in
set tensor [torch::tensor_create $numbers float64]
lassign [in_turn 7 1 {torch::tensor_to_list $tensor}] out
dict set result in $in
dict set result out $out
puts $result
