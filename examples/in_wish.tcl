# What quantization does to a tensor, in a window: choose the bits and see the error. Run it with Tk's own shell,
#
#   wish examples/in_wish.tcl
#
# or with tcltorch examples/in_wish.tcl.

package require Tk
package require torch

set dtype int4
set weight [torch::tensor_create {
    { 0.11 -0.42  0.93  0.27 -0.08  0.55}
    {-0.31  0.76 -0.64  0.02  0.48 -0.19}
    { 0.88 -0.05  0.34 -0.97  0.61  0.13}
    { 2.50 -1.75  0.25  1.10 -2.05  0.70}
}]

# Quantize with one scale for the whole tensor, draw, and tell the largest error.
proc quantize {weight dtype} {
    torch::scope {
        set coded [torch::linear_q_symmetric $weight $dtype]
        set codes [dict get $coded quantized]
        set scale [dict get $coded scale]
        set back [torch::linear_dequantization $codes $scale 0]
        torch::plot_quantization_errors $weight $codes $back [string range $dtype 3 end] -widget .picture
        set error [torch::tensor_abs [torch::tensor_sub $weight $back]]
        format "scale %.6f   largest error %.6f" $scale [torch::tensor_item [torch::tensor_max $error]]
    }
}

proc refresh {} {
    set ::told [quantize $::weight $::dtype]
}

frame .choice
foreach each {int2 int3 int4 int6 int8} {
    radiobutton .choice.$each -text $each -value $each -variable dtype -command refresh
    pack .choice.$each -side left
}
label .told -textvariable told -font TkFixedFont
refresh
pack .choice .told .picture
wm title . "PyTorch in [file tail [info nameofexecutable]]"
tkwait window .
