# Pictures in windows. The dispatcher gives a PNG; a label of Tk's shows it, when the script has Tk.

# Show a picture in a widget. The result is a reply, as the dispatcher's: status, value, options.
proc ::torch::_::show_picture {widget png} {
    if {[catch {package present Tk}]} {
        return [list 1 "widget needs Tk: package require Tk" {-errorcode {TORCH UNSUPPORTED widget}}]
    }
    if {[catch {put_picture $widget $png} message options]} {
        return [list 1 $message [list -errorcode [dict get $options -errorcode]]]
    }
    return [list 0 $widget {}]
}

# A widget that is there, a label or another one with an -image, gets the picture; else a label is made, and it is
# left to the script to pack it. The image has the name of its widget, so that the next picture takes its place.
proc ::torch::_::put_picture {widget png} {
    set image ::torch::_::picture$widget
    set known [expr {$image in [::image names]}]
    if {[::winfo exists $widget] && [catch {$widget cget -image}]} {
        return -code error -errorcode {TORCH ARG VALUE widget} \
            "widget must be one that shows an image but $widget is a [::winfo class $widget]"
    }
    ::image create photo $image -data $png
    if {[catch {
        if {[::winfo exists $widget]} {
            $widget configure -image $image
        } else {
            ::tk::label $widget -image $image -borderwidth 0 -highlightthickness 0
        }
    } message options]} {
        ::image delete $image
        return -options $options $message
    }
    if {!$known} {
        ::bind $widget <Destroy> +[list ::torch::_::drop_picture $image]
    }
}

proc ::torch::_::drop_picture {image} {
    catch {::image delete $image}
}
