if {![package vsatisfies [package provide Tcl] 8.6-]} {return}
package ifneeded torch::tcltest 0.1.0 [list source [file join $dir match.tcl]]
