# What does it cost to keep the weights of a model in fewer bits?
#
#   tcltorch examples/quantize_model.tcl MODEL.safetensors ?-bits {8 6 4}? ?-csv file? ?-plot file?
#
# Every weight matrix is quantized symmetrically, with one scale for the whole tensor and with one scale for each
# output channel, and what is lost is told as a signal-to-noise ratio: 10 log10(sum w^2 / sum (w - q)^2) dB, where 6 dB
# more are half the RMS error. Memory holds one layer at a time, however large the model is.

package require torch

namespace eval quantize_model {
    variable usage "usage: quantize_model.tcl MODEL.safetensors ?-bits {8 6 4}? ?-csv file?
    ?-plot file?"
    variable floating {float16 bfloat16 float32 float64 float8_e4m3fn float8_e5m2}
    variable most_rows 20
    variable longest_name 28
}

proc quantize_model::main {words} {
    set options [options_in [lassign $words path]]
    set bits [dict get $options -bits]
    set layers [worst_first [measure_model $path $bits] [lindex $bits end]]
    puts [join [list {*}[table $layers $bits] "" {*}[totals $layers $bits]] \n]
    if {[dict exists $options -csv]} {
        write_csv [dict get $options -csv] $layers $bits
        puts "wrote [printable [dict get $options -csv]]: all layers"
    }
    if {[dict exists $options -plot]} {
        plot [dict get $options -plot] $layers $bits
        puts "wrote [printable [dict get $options -plot]]: a picture of them"
    }
}

# The options as a dict; -bits is always there, the widest first.
proc quantize_model::options_in {words} {
    set options [dict create -bits {8 6 4}]
    foreach {option value} $words {
        if {$option ni {-bits -csv -plot}} {
            throw {QUANTIZE_MODEL USAGE} "bad option \"$option\": must be -bits, -csv, -plot"
        }
        dict set options $option $value
    }
    if {[llength $words] % 2} {
        throw {QUANTIZE_MODEL USAGE} "missing value for option \"$option\""
    }
    dict set options -bits [widths [dict get $options -bits]]
}

proc quantize_model::widths {bits} {
    if {![string is list $bits] || [llength $bits] == 0} {
        throw {QUANTIZE_MODEL USAGE} "-bits must be a list of widths, such as {8 6 4}, but is \"$bits\""
    }
    foreach width $bits {
        if {$width ni {2 3 4 5 6 7 8 9 10 11 12 13 14 15 16}} {
            throw {QUANTIZE_MODEL USAGE} "-bits must hold widths from 2 to 16 but has \"$width\""
        }
    }
    lsort -integer -decreasing -unique $bits
}

# A list with a dict for each weight matrix: its name and shape, the number of weights, their bytes in the file, and
# what measure_layer returns.
proc quantize_model::measure_model {path bits} {
    set matrices [dict filter [torch::safetensors_info $path] script {name about} {is_weight_matrix $about}]
    if {[dict size $matrices] == 0} {
        throw {QUANTIZE_MODEL EMPTY} "\"$path\" has no weight matrix (floating point, two dimensions or more)"
    }
    set bar [torch::progress_bar [dict size $matrices] layers]
    try {
        lmap {name about} $matrices {
            set measured [measure_layer $path $name $bits]
            torch::progress_step $bar
            set shape [dict get $about shape]
            dict create name $name shape $shape weights [product $shape] bytes [dict get $about bytes] {*}$measured
        }
    } finally {
        torch::free $bar
    }
}

proc quantize_model::is_weight_matrix {about} {
    variable floating
    set shape [dict get $about shape]
    expr {[dict get $about dtype] in $floating && [llength $shape] >= 2 && 0 ni $shape}
}

# A dict of signal, the sum of the squares of the weights, and noise, for each width and for tensor and channel the sum
# of the squares of the errors. The result of the scope holds numbers only: a name could be that of a handle in it.
proc quantize_model::measure_layer {path name bits} {
    try {
        torch::scope {
            set weights [load_matrix $path $name]
            set maxima [channel_maxima $weights]
            set noise [dict create]
            foreach width $bits {
                foreach method {tensor channel} {
                    dict set noise $width $method [error_energy $weights [list per_$method $weights $maxima $width]]
                }
            }
            dict create signal [energy $weights] noise $noise
        }
    } trap {TORCH} {message} - trap {QUANTIZE_MODEL} {message} {
        throw {QUANTIZE_MODEL LAYER} "layer \"[printable $name]\": $message"
    }
}

# The weights as a matrix with a row for each output channel; what is narrower than float32 is widened to it.
proc quantize_model::load_matrix {path name} {
    set pattern [string map {\\ \\\\ * \\* ? \\? \[ \\\[ \] \\\]} $name]
    set weights [dict get [torch::load_safetensors $path -names $pattern] $name]
    if {[torch::tensor_dtype $weights] ni {float32 float64}} {
        set weights [torch::tensor_to $weights -dtype float32]
    }
    torch::tensor_reshape $weights [list [lindex [torch::tensor_shape $weights] 0] -1]
}

# The largest magnitude in each output channel, a list.
proc quantize_model::channel_maxima {weights} {
    torch::scope {
        set maxima [torch::tensor_to_list [torch::tensor_max [torch::tensor_abs $weights] 1]]
    }
    set channel 0
    foreach largest $maxima {
        if {!($largest < Inf)} {
            throw {QUANTIZE_MODEL WEIGHTS} "output channel $channel holds a weight that is not finite"
        }
        incr channel
    }
    return $maxima
}

proc quantize_model::per_tensor {weights maxima width} {
    set scale [scale [::tcl::mathfunc::max {*}$maxima] $width]
    torch::fake_quantize_per_tensor $weights $scale 0 {*}[range $width]
}

proc quantize_model::per_channel {weights maxima width} {
    set channels [llength $maxima]
    set scales [torch::tensor_create [lmap largest $maxima {scale $largest $width}] -shape $channels -dtype float64]
    torch::fake_quantize_per_channel $weights $scales [torch::zeros $channels int32] 0 {*}[range $width]
}

proc quantize_model::range {width} {
    list [expr {-(1 << ($width - 1))}] [expr {(1 << ($width - 1)) - 1}]
}

# The scale that takes the largest magnitude to the end of the range: max/127 for 8 bits, where torch::quantize_integers
# and PyTorch's observers have max/127.5. Zeros may have any scale, and so has what is so small that the reciprocal of
# its scale is no float32: 1.
proc quantize_model::scale {largest width} {
    set scale [expr {$largest / [lindex [range $width] 1]}]
    expr {$scale < 3e-39 ? 1.0 : $scale}
}

# The sum of the squares of what the command that quantizes takes away from the weights.
proc quantize_model::error_energy {weights quantize} {
    torch::scope {
        energy [torch::tensor_sub $weights [{*}$quantize]]
    }
}

# The sum of the squares: as a product of vectors it needs no memory for the squares.
proc quantize_model::energy {tensor} {
    torch::scope {
        set vector [torch::tensor_to [torch::tensor_reshape $tensor -1] -dtype float64]
        torch::tensor_item [torch::tensor_matmul $vector $vector]
    }
}

proc quantize_model::decibels {signal noise} {
    expr {$noise == 0 ? Inf : 10 * log10($signal / $noise)}
}

# SQNR of a layer, or of a dict of sums over layers.
proc quantize_model::sqnr {layer width method} {
    decibels [dict get $layer signal] [dict get $layer noise $width $method]
}

# What one scale per channel is better than one per tensor, in dB: nothing when neither loses anything.
proc quantize_model::gain {layer width} {
    set tensor [sqnr $layer $width tensor]
    set channel [sqnr $layer $width channel]
    expr {$channel == $tensor ? 0.0 : $channel - $tensor}
}

proc quantize_model::worst_first {layers width} {
    set ranked [lmap layer $layers {list [sqnr $layer $width tensor] $layer}]
    lmap pair [lsort -real -index 0 $ranked] {lindex $pair 1}
}

# The whole model as if it were one layer.
proc quantize_model::whole {layers bits} {
    set noise [dict create]
    foreach width $bits {
        foreach method {tensor channel} {
            dict set noise $width $method [sum [lmap layer $layers {dict get $layer noise $width $method}]]
        }
    }
    dict create signal [sum [lmap layer $layers {dict get $layer signal}]] noise $noise
}

proc quantize_model::sum {numbers} {
    ::tcl::mathop::+ {*}$numbers
}

proc quantize_model::product {numbers} {
    ::tcl::mathop::* {*}$numbers
}

# The middle, or the mean of the two in the middle; those may be infinities of either sign.
proc quantize_model::median {numbers} {
    set sorted [lsort -real $numbers]
    set low [lindex $sorted [expr {([llength $sorted] - 1) / 2}]]
    set high [lindex $sorted [expr {[llength $sorted] / 2}]]
    expr {$low == -$high ? 0.0 : ($low + $high) / 2.0}
}

# The lines of the table: the worst layers, with two columns for each width.
proc quantize_model::table {layers bits} {
    variable most_rows
    variable longest_name
    set shown [lrange $layers 0 $most_rows-1]
    set names [shortened [lmap layer $shown {printable [dict get $layer name]}] $longest_name]
    set rows [list [list # layer shape {*}[concat {*}[lmap width $bits {list T$width C$width}]]]]
    foreach layer $shown name $names {
        set cells [list [llength $rows] $name [join [dict get $layer shape] x]]
        foreach width $bits {
            lappend cells [format %.1f [sqnr $layer $width tensor]] [format %.1f [sqnr $layer $width channel]]
        }
        lappend rows $cells
    }
    set narrow [lindex $bits end]
    set lines [list "SQNR in dB with one scale per tensor (T) and per output channel (C), by bits"]
    lappend lines {*}[aligned $rows {1 2}]
    if {[llength $layers] > $most_rows} {
        lappend lines "The worst $most_rows of [llength $layers] layers by T$narrow; -csv writes all into a file."
    }
    return $lines
}

# The lines about the whole model. Its size counts the scales, too, as float32.
proc quantize_model::totals {layers bits} {
    set weights [sum [lmap layer $layers {dict get $layer weights}]]
    set channels [sum [lmap layer $layers {lindex [dict get $layer shape] 0}]]
    set stored [sum [lmap layer $layers {dict get $layer bytes}]]
    set whole [whole $layers $bits]
    set rows [list {bits {T in MB} {C in MB} {T in dB} {C in dB} {gain of C in dB} {median over layers}}]
    foreach width $bits {
        lappend rows [list $width \
            [megabytes [expr {$weights * $width / 8.0 + 4 * [llength $layers]}]] \
            [megabytes [expr {$weights * $width / 8.0 + 4 * $channels}]] \
            [format %.2f [sqnr $whole $width tensor]] \
            [format %.2f [sqnr $whole $width channel]] \
            [format %.2f [gain $whole $width]] \
            [format %.2f [median [lmap layer $layers {gain $layer $width}]]]]
    }
    list "Whole model: weight matrices [llength $layers], weights $weights, [megabytes $stored] MB in the file" \
        {*}[aligned $rows]
}

proc quantize_model::megabytes {bytes} {
    format %.4g [expr {$bytes / 1e6}]
}

# Lines of text from rows of cells, each column as wide as its widest cell; the columns in `texts` start at the left.
proc quantize_model::aligned {rows {texts {}}} {
    set forms {}
    for {set column 0} {$column < [llength [lindex $rows 0]]} {incr column} {
        set width [::tcl::mathfunc::max {*}[lmap row $rows {string length [lindex $row $column]}]]
        lappend forms %[expr {$column in $texts ? "-" : ""}]${width}s
    }
    lmap row $rows {format [join $forms "  "] {*}$row}
}

# A name from a file is anything: what would move the cursor is shown as a question mark.
proc quantize_model::printable {name} {
    regsub -all {[^[:print:]]} $name ?
}

# Names as a column shows them: without .weight where all end in it, and cut where they are longer than `length`. Names
# that differ stay different, if need be in a wider column.
proc quantize_model::shortened {names length} {
    if {[lsearch -not $names ?*.weight] < 0} {
        set names [lmap name $names {string range $name 0 end-[string length .weight]}]
    }
    set different [llength [lsort -unique $names]]
    while {[llength [lsort -unique [set short [lmap name $names {ending $name $length}]]]] < $different} {
        incr length
    }
    return $short
}

# The end of a long name, which tells more than its beginning.
proc quantize_model::ending {name length} {
    if {[string length $name] <= $length} {
        return $name
    }
    string cat ... [string range $name end-[expr {$length - 4}] end]
}

# A row for each layer and width, with the sums that the ratios come from, so that they can be added up otherwise.
proc quantize_model::write_csv {path layers bits} {
    set file [open $path w]
    try {
        chan configure $file -encoding utf-8
        puts $file layer,shape,weights,bits,signal,tensor_noise,channel_noise,tensor_db,channel_db,gain_db
        foreach layer $layers {
            foreach width $bits {
                puts $file [join [list \
                    [quoted [dict get $layer name]] [join [dict get $layer shape] x] [dict get $layer weights] $width \
                    [dict get $layer signal] {*}[dict values [dict get $layer noise $width]] \
                    [sqnr $layer $width tensor] [sqnr $layer $width channel] [gain $layer $width]] ,]
            }
        }
    } finally {
        close $file
    }
}

# A field of a CSV file as RFC 4180 wants it.
proc quantize_model::quoted {field} {
    if {![regexp {[",\r\n]} $field]} {
        return $field
    }
    string cat \" [string map {\" \"\"} $field] \"
}

# SQNR by layer, numbered as in the table, with a line for each width and method.
proc quantize_model::plot {path layers bits} {
    set series [dict create]
    foreach width $bits {
        foreach method {channel tensor} {
            dict set series "$width bits, per $method" [lmap layer $layers {sqnr $layer $width $method}]
        }
    }
    set rank 0
    torch::plot_lines -file $path -x [lmap layer $layers {incr rank}] -series $series \
        -title "Signal-to-noise ratio of quantized weights" -ylabel "SQNR in dB" -group 2 \
        -xlabel "weight matrix, the worst per tensor at [lindex $bits end] bits first"
}

if {[llength $argv] == 0 || [string match -* [lindex $argv 0]]} {
    puts stderr $quantize_model::usage
    exit 1
}
try {
    quantize_model::main $argv
} trap {QUANTIZE_MODEL} {message} - trap {POSIX} {message} - trap {TORCH} {message} {
    puts stderr "quantize_model: [quantize_model::printable $message]"
    exit 1
}
