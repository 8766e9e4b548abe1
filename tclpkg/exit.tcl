# tkinter takes `exit` away, because Tcl's own would end the process under Python's feet.
proc ::exit {{returnCode 0}} {
    if {![string is integer -strict $returnCode]} {
        return -code error -errorcode {TCL VALUE NUMBER} "expected integer but got \"$returnCode\""
    }
    ::torch::_::end $returnCode
}
