# The transport inside the tcltorch program: tkinter's commands call Python.

proc ::torch::_::begin_inside {} {
    # tkinter hands words over as text, which bytes are not: they go through a variable
    proc ::torch::_::dispatch_bulk {bytes args} {
        variable payload $bytes
        take_bulk {*}$args
    }
}
