# One list of numbers in several kinds, for the suites on lists in and out.

# A list with no structure that Tcl knows of, only text.
proc as_text {list} {
    return [format %s $list]
}

# The same list of computed numbers, which have no text. NaN and signed zeros keep their bits.
proc computed {list depth} {
    if {$depth == 0} {
        if {[string is wideinteger -strict $list]} {
            return [expr {$list + 0}]
        }
        binary scan [binary format d $list] d number
        return $number
    }
    return [lmap element $list {computed $element [expr {$depth - 1}]}]
}

# The same list as text that `split` has cut.
proc as_split {list} {
    if {$list eq {{}}} {
        return [lrange {{} {}} 0 0]
    }
    return [split [join $list \n] \n]
}

# A list of `count` numbers from `start`.
proc range {start count} {
    set numbers {}
    for {set i 0} {$i < $count} {incr i} {
        lappend numbers [expr {$start + $i}]
    }
    return $numbers
}

proc doubles {patterns} {
    binary scan [binary format w* $patterns] d* doubles
    return $doubles
}
proc bits {doubles} {
    set bytes [binary format d* $doubles]
    binary scan $bytes w* integers
    return [lmap integer $integers {format 0x%016lx $integer}]
}
