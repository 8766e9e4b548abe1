# Lists of numbers to bytes and back. Only `binary` touches the elements: a text for each would take forty times
# as long. Whatever looks odd is left to Python, which reads the plain list and names the element that is wrong.

# {format shape bytes} of a number or a nested list of numbers; empty when Python should read it.
proc ::torch::_::pack {value} {
    if {[catch {bulk_shape $value} shape] || [catch {flatten $value $shape} flat]} {
        return
    }
    if {[catch {binary format d* $flat} bytes] || [has_odd_text $flat]} {
        return
    }
    while {[lindex $shape end] == 1} {
        set shape [lrange $shape 0 end-1]  ;# a one-element list of a number is that number
    }
    if {[catch {binary format w* $flat} wides options]} {
        if {[lindex [dict get $options -errorcode] 0] eq "ARITH"} {
            return  ;# an integer of more than 64 bits
        }
        return [list d $shape $bytes]
    }
    append bytes $wides
    return [list dw $shape $bytes]
}

# The lengths along the first elements, down to a number or an empty list.
proc ::torch::_::bulk_shape {value} {
    set shape {}
    while {[llength $shape] < 64} {
        if {[is_number $value]} {
            return $shape
        }
        set length [llength $value]
        if {$length == 1 && ![is_pure_list $value] && [string is double -strict [lindex $value 0]]} {
            return $shape
        }
        lappend shape $length
        if {$length == 0} {
            return $shape
        }
        set value [lindex $value 0]
    }
    error "too deep, or no number"
}

# The elements in one list; an error when a row has another length than the first one.
proc ::torch::_::flatten {value shape} {
    if {[llength $shape] == 0} {
        return [list $value]
    }
    if {[llength $value] != [lindex $shape 0]} {
        error "ragged"
    }
    foreach length [lrange $shape 1 end] {
        set rows $value
        set value {}
        foreach row $rows {
            if {[llength $row] != $length} {
                error "ragged"
            }
            lappend value {*}$row
        }
    }
    return $value
}

# A list that was computed: asking it for its text would make the text of every element.
proc ::torch::_::is_pure_list {value} {
    string match "value is a list *, no string representation" [::tcl::unsupported::representation $value]
}

# A number that Tcl holds as such. Looking at it as a list or as text would lose it: Tcl 8.6 writes some powers of two
# with a last digit that reads back as their neighbour.
proc ::torch::_::is_number {value} {
    regexp {^value is a (double|int|wideInt|bignum) } [::tcl::unsupported::representation $value]
}

# How numbers are written that not every Tcl reads as the same: with a leading zero (octal in 8.6, decimal in 9.0), also
# behind a blank, and as only 9.0 can.
set ::torch::_::odd_texts [list {0[0-9]*} {[-+]0[0-9]*} "\[ \t\n\v\f\r\]*"]
if {[package vsatisfies [package provide Tcl] 9-]} {
    lappend ::torch::_::odd_texts *_* {*0[dD]*}
}

# Whether an element is written so, or may be. Computed numbers have no text, and making it is what this file avoids: a
# long list is searched only when one of a few of its elements has a text.
proc ::torch::_::has_odd_text {flat} {
    variable odd_texts
    if {[llength $flat] > 1000 && ![any_has_text $flat]} {
        return 0
    }
    foreach pattern $odd_texts {
        if {[lsearch -glob $flat $pattern] >= 0} {
            return 1
        }
    }
    return 0
}

# Not the first elements: a failed `binary format` makes the text of the one it stops at, for its message.
proc ::torch::_::any_has_text {flat} {
    set step [expr {[llength $flat] / 17}]
    for {set i $step} {$i < [llength $flat]} {incr i $step} {
        if {[has_text [lindex $flat $i]]} {
            return 1
        }
    }
    return 0
}

proc ::torch::_::has_text {value} {
    return [expr {![string match "*, no string representation" [::tcl::unsupported::representation $value]]}]
}

# The list that the dispatcher sent as bytes; an empty shape leaves it flat.
proc ::torch::_::unpack {bytes format shape} {
    set flat {}
    binary scan $bytes $format flat
    return [nest $flat $shape]
}

proc ::torch::_::nest {flat shape} {
    if {[llength $shape] < 2} {
        return $flat
    }
    set inner [lassign $shape length]
    set size [::tcl::mathop::* {*}$inner]
    set rows {}
    for {set i 0} {$i < $length} {incr i} {
        lappend rows [nest [lrange $flat [expr {$i * $size}] [expr {($i + 1) * $size - 1}]] $inner]
    }
    return $rows
}
