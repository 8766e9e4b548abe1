# Two ways to compare for tcltest's -match: `approx`, lists of numbers with room for rounding, and `tensor`, a tensor
# with what it should hold. A mismatch is an error that says where and what: tcltest prints it as "Error testing
# result", which says more than two long lists. pytest has all this in a namespace of its own,
# where it is no package.

package require tcltest

namespace eval [expr {[namespace current] eq "::" ? "::torch::tcltest" : [namespace current]}] {
    # the tolerances of torch.testing.assert_close, {rtol atol}; other dtypes have none
    variable tolerances {
        float16 {1e-3 1e-5} bfloat16 {1.6e-2 1e-5} float32 {1.3e-6 1e-5} float64 {1e-7 1e-7}
    }

    # -- approx ----------------------------------------------------------------------------------------------

    # `expected` is a list with `?-rtol r? ?-atol a?` behind it, which mean what rel and abs mean to pytest.approx.
    proc approx {expected actual} {
        set difference [difference $expected $actual 1e-6 1e-12 max]
        lassign [without_tolerances $expected] list options
        if {$difference ne "" && $options ne {}} {
            set defaults [expr {[dict exists $options -atol] ? {0 0} : {1e-6 1e-12}}]
            set difference [difference $list $actual {*}[tolerances $defaults $options] max]
        }
        if {$difference ne ""} {
            return -code error $difference
        }
        return 1
    }

    # A list, and the tolerances that stand behind it.
    proc without_tolerances {list} {
        set options {}
        while {[string is list $list] && [llength $list] > 2 && [lindex $list end-1] in {-rtol -atol}} {
            set options [concat [lrange $list end-1 end] $options]
            set list [lrange $list 0 end-2]
        }
        return [list $list $options]
    }

    # The first place in which two nested lists differ, in words; empty when there is none.
    proc difference {expected actual rtol atol join {index {}}} {
        if {[is_number $expected] && [is_number $actual]} {
            if {[close_to $expected $actual $rtol $atol $join]} {
                return ""
            }
            return "[at $index]got $actual, expected $expected[distance $expected $actual $rtol $atol $join]"
        }
        if {$expected eq $actual} {
            return ""
        }
        if {![is_list $expected] || ![is_list $actual]} {
            return "[at $index]got \"$actual\", expected \"$expected\""
        }
        if {[llength $expected] != [llength $actual]} {
            return "[at $index]got [count $actual], expected [count $expected]"
        }
        set position 0
        foreach left $expected right $actual {
            set difference [difference $left $right $rtol $atol $join [list {*}$index $position]]
            if {$difference ne ""} {
                return $difference
            }
            incr position
        }
        return ""
    }

    # Whether a value is a list of several, or of none: a list of one is that one.
    proc is_list {value} {
        return [expr {[string is list $value] && ([llength $value] != 1 || [lindex $value 0] ne $value)}]
    }

    proc is_number {value} {
        return [expr {[string is double -strict $value] || [is_nan $value]}]
    }

    proc is_nan {value} {
        return [regexp -nocase {^[-+]?nan(\([0-9a-f]*\))?$} $value]
    }

    # Whether `actual` is within the tolerance. NaN is close to NaN: whoever writes it down means it.
    proc close_to {expected actual rtol atol join} {
        if {[is_nan $expected] || [is_nan $actual]} {
            return [expr {[is_nan $expected] && [is_nan $actual]}]
        }
        if {$expected == $actual} {
            return 1
        }
        if {abs($expected) == Inf || abs($actual) == Inf} {
            return 0
        }
        return [expr {abs($expected - $actual) <= [tolerance $expected $rtol $atol $join]}]
    }

    # pytest.approx takes the larger of the two tolerances, PyTorch their sum.
    proc tolerance {expected rtol atol join} {
        set relative [expr {$rtol * abs($expected)}]
        if {$relative == Inf && $rtol > 0 && [string is entier -strict $expected]} { ;# an integer beyond 1e308
            set relative [expr {abs($expected) / entier(ceil(1 / $rtol))}]
        }
        return [expr {$join eq "max" ? max($relative, $atol) : $relative + $atol}]
    }

    proc distance {expected actual rtol atol join} {
        foreach value [list $expected $actual] {
            if {[is_nan $value] || abs($value) == Inf} {
                return ""
            }
        }
        return [format " (off by %.3g, allowed %.3g)" [expr {abs($expected - $actual)}] \
            [tolerance $expected $rtol $atol $join]]
    }

    proc at {index} {
        return [expr {$index eq {} ? "" : "at index $index: "}]
    }

    proc count {list} {
        return "[llength $list] element[expr {[llength $list] == 1 ? "" : "s"}]"
    }

    # -- tensor ----------------------------------------------------------------------------------------------

    # `expected` is `dtype shape values ?-rtol r? ?-atol a?`, the values flat or nested as the shape says.
    proc tensor {expected actual} {
        if {![string is list $expected] || [llength $expected] < 3} {
            return -code error "-result must be \"dtype shape values ?-rtol r? ?-atol a?\" but is \"$expected\""
        }
        set options [lassign $expected dtype shape values]
        set shape [list {*}$shape]
        if {[catch {::torch::scope {::torch::tensor_dtype [::torch::empty 0 $dtype]}} dtype]} { ;# `float` is float32
            return -code error "in the expected result: $dtype"
        }
        variable tolerances
        set defaults [expr {[dict exists $tolerances $dtype] ? [dict get $tolerances $dtype] : {0 0}}]
        lassign [tolerances $defaults $options] rtol atol
        set wrong {}
        foreach {what is should} [list \
            dtype [::torch::tensor_dtype $actual] $dtype shape [::torch::tensor_shape $actual] $shape] {
            if {$is ne $should} {
                lappend wrong "the $what is [braced $is], expected [braced $should]"
            }
        }
        if {[llength $wrong]} {
            return -code error "[join $wrong "; "][in_short $actual]"
        }
        set numbers [::torch::tensor_to_list $actual]
        set wanted [as_held [flat $values $shape [llength $numbers]] $shape $dtype]
        set place 0
        foreach left $wanted right $numbers {
            if {![close_to $left $right $rtol $atol sum]} {
                return -code error "[describe $wanted $numbers $shape $dtype $place $rtol $atol][in_short $actual]"
            }
            incr place
        }
        return 1
    }

    # The values in a flat list of this size: they come in one, or nested as the shape says.
    proc flat {values shape size} {
        foreach value $values {
            if {[is_list $value]} {
                return [unnested $values $shape $shape]
            }
        }
        if {[llength $values] != $size} {
            return -code error "the expected values are [count $values], but the tensor has $size"
        }
        return $values
    }

    # The values without their nesting, which must be that of `rest`: the shape, at the index `index`.
    proc unnested {values shape rest {index {}}} {
        if {$rest eq {}} {
            if {[is_list $values]} {
                return -code error "[at $index]the expected values are nested deeper than the shape [braced $shape]"
            }
            return [list $values]
        }
        set rest [lassign $rest size]
        if {[llength $values] != $size} {
            return -code error "[at $index]the expected values are [count $values], but the shape\
                [braced $shape] has $size there"
        }
        set flat {}
        set position 0
        foreach value $values {
            lappend flat {*}[unnested $value $shape $rest [list {*}$index $position]]
            incr position
        }
        return $flat
    }

    # The values, a flat list, as a tensor of this dtype holds them. What it cannot hold is an error: PyTorch would cut
    # 2.9 down to 2 and make an infinity of 1e39, and both would match. The scope frees the tensor.
    proc as_held {values shape dtype} {
        if {$dtype eq "bool"} {
            return [lmap value $values {expr {[checked boolean $value $dtype] ? 1 : 0}}]
        }
        if {[regexp {^u?int\d+$} $dtype]} {
            return [lmap value $values {expr {[checked entier $value $dtype] + 0}}]
        }
        set held [::torch::scope {::torch::tensor_to_list [::torch::tensor_create $values -shape $shape -dtype $dtype]}]
        foreach value $values number $held {
            if {![is_nan $number] && abs($number) == Inf && ![regexp -nocase {^[-+]?inf} $value]} {
                return -code error "the expected value $value is too large for $dtype"
            }
        }
        return $held
    }

    proc checked {class value dtype} {
        if {![string is $class -strict $value]} {
            set wanted [expr {$class eq "boolean" ? "a boolean" : "an integer"}]
            return -code error "the expected value $value is not $wanted, but the tensor is $dtype"
        }
        return $value
    }

    # The tolerances {rtol atol}, those of the defaults that no option gives.
    proc tolerances {defaults options} {
        set given [dict create -rtol [lindex $defaults 0] -atol [lindex $defaults 1]]
        if {[llength $options] % 2} {
            return -code error "missing value for option \"[lindex $options end]\""
        }
        foreach {option value} $options {
            if {![dict exists $given $option]} {
                return -code error "bad option \"$option\": must be -rtol or -atol"
            }
            if {![string is double -strict $value] || !($value >= 0)} {
                return -code error "expected a number of 0 or more but got \"$value\" for $option"
            }
            dict set given $option $value
        }
        return [dict values $given]
    }

    proc describe {wanted numbers shape dtype place rtol atol} {
        set wrong 0
        foreach left $wanted right $numbers {
            incr wrong [expr {![close_to $left $right $rtol $atol sum]}]
        }
        set left [lindex $wanted $place]
        set right [lindex $numbers $place]
        set text "[at [index_of $place $shape]]got [written $right $dtype], expected [written $left $dtype]"
        append text [distance $left $right $rtol $atol sum]
        return "$text; $wrong of [count $numbers] differ[expr {$wrong == 1 ? "s" : ""}]"
    }

    # The elements at the edges of a tensor that has several, for the end of a message.
    proc in_short {tensor} {
        if {[join [::torch::tensor_shape $tensor] *] in {"" 1}} {
            return ""
        }
        return "\nthe tensor is [join [split [::torch::show $tensor] \n] "\n  "]"
    }

    # A number with as many digits as it takes to tell which float32 it is: as the double that is equal, 0.1 would have
    # 17.
    proc written {number dtype} {
        if {$dtype ni {float16 bfloat16 float32} || [is_nan $number] || abs($number) == Inf} {
            return $number
        }
        foreach digits {6 7 8 9} {
            set text [format %.${digits}g $number]
            binary scan [binary format f $text] f held
            if {$held == $number} {
                break
            }
        }
        if {[string is entier $text]} {
            append text .0
        }
        return $text
    }

    # Where the element at this place of the flat list is: one number for each dimension.
    proc index_of {place shape} {
        set index {}
        foreach size [lreverse $shape] {
            set index [linsert $index 0 [expr {$place % $size}]]
            set place [expr {$place / $size}]
        }
        return $index
    }

    proc braced {value} {
        return [expr {[llength $value] == 1 ? $value : "{$value}"}]
    }

    ::tcltest::customMatch approx [namespace current]::approx
    ::tcltest::customMatch tensor [namespace current]::tensor

    if {[namespace current] eq "::torch::tcltest"} {
        package provide torch::tcltest 0.1.0
    }
}
