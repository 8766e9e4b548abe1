# Run by transports.py, in a stock tclsh and in tcltorch in turn. Prints a dict of microseconds. The words are a program
# that answers 20 bytes to whatever it is sent.

package require torch

# The time that this share of the rounds is shorter than: 0.5 for the median, 0.02 for those at the full clock of a
# shared machine.
proc share {share values} {
    lindex [lsort -real $values] [expr {int([llength $values] * $share)}]
}

# Microseconds for one of `count` runs of each script, the scripts taking turns.
proc in_turn {share rounds count args} {
    foreach script $args {
        uplevel #0 $script
    }
    for {set i 0} {$i < $rounds} {incr i} {
        foreach script $args {
            lappend found($script) [lindex [uplevel #0 [list time $script $count]] 0]
        }
    }
    return [lmap script $args {share $share $found($script)}]
}

proc exchange {} {
    puts -nonewline $::bare "a request of forty bytes, more or less..."
    flush $::bare
    read $::bare 20
}

set bare [open |[list {*}$argv] r+]
fconfigure $bare -translation binary
set x [torch::ones 4]
set numbers [lmap i [lrepeat 1000000 0] {expr {rand()}}]
set tensor [torch::tensor_create $numbers float64]

lassign [in_turn 0.02 500 30 {exchange} {torch::tensor_numel $x}] found(bare) found(command)
lassign [in_turn 0.5 5 20 {
    for {set i 0} {$i < 100} {incr i} {torch::tensor_numel $x}
} "torch::remote {for {set i 0} {\$i < 100} {incr i} {torch::tensor_numel $x}}"] found(loop) found(remote)
lassign [in_turn 0.5 5 1 {torch::free [torch::tensor_create $numbers float64]}] found(in)
lassign [in_turn 0.5 5 1 {torch::tensor_to_list $tensor}] found(out)
puts [array get found]
