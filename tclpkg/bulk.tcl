# Lists of numbers to bytes and back. Only `binary` touches the elements: a text for each would take forty times
# as long. Whatever looks odd is left to Python, which reads the plain list and names the element that is wrong.

# {format shape bytes} of a number or a nested list of numbers; empty when Python should read it.
proc ::torch::_::pack {value} {
    if {[catch {bulk_shape $value} shape] || [catch {flatten $value $shape} flat]} {
        return
    }
    if {[catch {binary format d* $flat} bytes] || [has_leading_zero $flat]} {
        return
    }
    if {[catch {binary format w* $flat} wides]} {
        return [list d $shape $bytes]
    }
    append bytes $wides
    return [list dw $shape $bytes]
}

# The shape along the first elements. A one-element list of a number is that number.
proc ::torch::_::bulk_shape {value} {
    set shape {}
    while {1} {
        set length [llength $value]
        if {$length == 1} {
            set inner [lindex $value 0]
            if {[llength $inner] == 1 && [string is double -strict $inner]} {
                return $shape
            }
            if {$inner eq $value || [llength $shape] > 64} {
                error "no number"
            }
            set value $inner
            lappend shape 1
        } else {
            lappend shape $length
            if {$length == 0} {
                return $shape
            }
            set value [lindex $value 0]
        }
    }
}

proc ::torch::_::flatten {value shape} {
    if {[llength $shape] == 0} {
        return [lindex $value 0]
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

# Whether an element is written with a leading zero (octal in Tcl 8.6, decimal in 9.0), as far as elements are
# written at all: computed numbers have no text, and making it is what this file avoids. Of a long list three
# elements tell. Not the first: a failed `binary format` has made its text, for the error message.
proc ::torch::_::has_leading_zero {flat} {
    set length [llength $flat]
    if {$length > 1000} {
        foreach index [list [expr {$length / 3}] [expr {$length / 2}] end] {
            if {![has_text [lindex $flat $index]]} {
                return 0
            }
        }
    }
    return [expr {[lsearch -glob $flat {0[0-9]*}] >= 0 || [lsearch -glob $flat {[-+]0[0-9]*}] >= 0}]
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
