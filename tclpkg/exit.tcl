# tkinter takes `exit` away, because Tcl's own would end the process under Python's feet.
proc ::torch::_::replace_exit {} {
    proc ::exit {{returnCode 0}} {
        if {![string is integer -strict $returnCode]} {
            return -code error -errorcode {TCL VALUE NUMBER} "expected integer but got \"$returnCode\""
        }
        lassign [::tcl::torch_end [format %d $returnCode]] status message options
        if {$status} {
            return -code error {*}$options $message
        }
    }
}
