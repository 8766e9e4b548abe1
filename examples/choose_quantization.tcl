# Which quantization for my hardware? From the weights of a model to a choice, and to files that hardware tools load.
#
#   tcltorch examples/choose_quantization.tcl MODEL.safetensors ?-sqnr 30? ?-folder build/choose_quantization?
#
# 1. Sweep: one telling layer is quantized in many ways, and a table shows what each keeps of it.
# 2. Plan: for each weight matrix the fewest bits that reach the target, and the size of the whole model.
# 3. Files: the integers, with their scales, in a format for hardware; one is read back and compared.
# 4. Pictures: SQNR by layer and width, errors and levels of the telling layer, APoT levels against uniform ones.
#
# SQNR is 10 log10(sum w^2 / sum (w - q)^2) dB; 6 dB more are half the RMS error. Looking for the range with the least
# squared error (mse) is slow, so the sweep tries it in two ways of eleven, and the plan not at all. Memory holds the
# weight matrices once, because the index of a folder is written with all of them, and a few copies of one of them.

package require torch

namespace eval choose_quantization {
    variable defaults {
        -sqnr 30 -bits {3 4 5 6 7 8} -granularity per_channel -scale_mode float -layer {}
        -folder build/choose_quantization -format readmemh -values_per_word 1 -force 0
    }
    variable usage "usage: choose_quantization.tcl MODEL.safetensors ?-sqnr 30?
    ?-bits {3 4 5 6 7 8}? ?-granularity per_channel? ?-scale_mode float?
    ?-layer name? ?-folder build/choose_quantization? ?-format readmemh?
    ?-values_per_word 1? ?-force 0?"
    variable choices {
        -scale_mode {float power_of_two}
        -format {readmemh readmemb coe mif intel_hex c_header npy json}
    }
    variable floating {float16 bfloat16 float32 float64 float8_e4m3fn float8_e5m2}
    variable most_widths 6
    variable most_rows 20
    variable longest_name 36
}

proc choose_quantization::main {words} {
    set options [options_in [lassign $words path]]
    check_folder $options
    torch::scope {
        set tensors [load_matrices $path]
        set matrices [survey $tensors]
        set layer [telling $matrices [dict get $options -layer]]
        set weights [dict get $tensors $layer]
        show [sweep_lines $layer [sweep $weights $options] $matrices $options]
        set plan [plan $tensors $options]
        show [plan_lines $plan $matrices $options]
        set chosen [dict get $plan weights $layer]
        set totals [write_files $tensors $plan $options]
        set file [file join [weights_folder $options] [file_of $layer $plan $options]]
        check_file $file [torch::quantize_integers $weights -like $chosen]
        show [file_lines $totals $file $options]
        draw $weights $chosen $plan $options
        show [picture_lines $layer $chosen]
    }
}

proc choose_quantization::show {lines} {
    puts [join $lines \n]
    flush stdout
}

# -- options ------------------------------------------------------------------------------------------------------

proc choose_quantization::options_in {words} {
    variable defaults
    variable choices
    set options [dict create {*}$defaults]
    foreach {option value} $words {
        if {![dict exists $options $option]} {
            refuse "bad option \"$option\": must be [join [dict keys $options] {, }]"
        }
        dict set options $option $value
    }
    if {[llength $words] % 2} {
        refuse "missing value for option \"$option\""
    }
    dict for {option allowed} $choices {
        if {[dict get $options $option] ni $allowed} {
            refuse "$option must be one of [join $allowed {, }] but is \"[dict get $options $option]\""
        }
    }
    check $options -sqnr {[string is double -strict $value] && $value == $value} "a number of dB"
    check $options -values_per_word {[string is integer -strict $value] && $value >= 1} "a number, 1 or more,"
    check $options -force {[string is boolean -strict $value]} "0 or 1"
    dict set options -granularity [granularities [dict get $options -granularity]]
    dict set options -bits [widths [dict get $options -bits]]
}

proc choose_quantization::check {options option rule wanted} {
    set value [dict get $options $option]
    if {![expr $rule]} {
        refuse "$option must be $wanted but is \"$value\""
    }
}

proc choose_quantization::refuse {message} {
    throw {CHOOSE_QUANTIZATION USAGE} $message
}

proc choose_quantization::granularities {words} {
    if {![string is list $words] || [llength $words] == 0} {
        refuse "-granularity must be a list, such as {per_channel per_group}, but is \"$words\""
    }
    foreach word $words {
        if {$word ni {per_tensor per_channel per_group}} {
            refuse "-granularity must hold per_tensor, per_channel or per_group but has \"$word\""
        }
    }
    return $words
}

# From the narrowest to the widest.
proc choose_quantization::widths {bits} {
    if {![string is list $bits] || [llength $bits] == 0} {
        refuse "-bits must be a list of widths, such as {4 6 8}, but is \"$bits\""
    }
    foreach width $bits {
        if {$width ni {2 3 4 5 6 7 8 9 10 11 12 13 14 15 16}} {
            refuse "-bits must hold widths from 2 to 16 but has \"$width\""
        }
    }
    lsort -integer -unique $bits
}

# Refuse before the work what would be refused after it.
proc choose_quantization::check_folder {options} {
    set folder [dict get $options -folder]
    if {[file exists $folder] && ![file isdirectory $folder]} {
        throw {POSIX ENOTDIR {not a directory}} "couldn't write into \"$folder\": not a directory"
    }
    if {![dict get $options -force] && [llength [glob -nocomplain -directory $folder *]]} {
        throw {POSIX EEXIST {file already exists}} "\"$folder\" has files in it; -force 1 overwrites them"
    }
}

# -- the model ----------------------------------------------------------------------------------------------------

# The weight matrices, a dict from names to handles.
proc choose_quantization::load_matrices {path} {
    set found [dict filter [torch::safetensors_info $path] script {name about} {is_weight_matrix $about}]
    if {[dict size $found] == 0} {
        throw {CHOOSE_QUANTIZATION EMPTY} "\"$path\" has no weight matrix (floating point, two dimensions or more)"
    }
    set tensors [dict create]
    foreach name [dict keys $found] {
        set pattern [string map {\\ \\\\ * \\* ? \\? \[ \\\[ \] \\\]} $name]
        dict set tensors $name [dict get [torch::load_safetensors $path -names $pattern] $name]
    }
    return $tensors
}

proc choose_quantization::is_weight_matrix {about} {
    variable floating
    set shape [dict get $about shape]
    expr {[dict get $about dtype] in $floating && [llength $shape] >= 2 && 0 ni $shape}
}

# A dict from names to dicts: shape, weights (how many), signal (the sum of the squares) and crest (the largest
# magnitude, as a multiple of the RMS).
proc choose_quantization::survey {tensors} {
    set matrices [dict create]
    dict for {name tensor} $tensors {
        set shape [torch::tensor_shape $tensor]
        lassign [signal_and_range $tensor] signal low high
        if {!($low > -Inf && $high < Inf)} {
            throw {CHOOSE_QUANTIZATION LAYER} "layer \"[printable $name]\" holds a weight that is not finite"
        }
        set weights [product $shape]
        set crest [expr {$signal == 0 ? 0.0 : max(-$low, $high) / sqrt($signal / $weights)}]
        dict set matrices $name [dict create shape $shape weights $weights signal $signal crest $crest]
    }
    return $matrices
}

proc choose_quantization::signal_and_range {tensor} {
    torch::scope {
        set vector [torch::tensor_to [torch::tensor_reshape $tensor -1] -dtype float64]
        set signal [torch::tensor_item [torch::tensor_matmul $vector $vector]]
        list $signal [torch::tensor_item [torch::tensor_min $vector]] [torch::tensor_item [torch::tensor_max $vector]]
    }
}

# The layer to sweep: the one asked for, or the one whose largest weight stands out most.
proc choose_quantization::telling {matrices wanted} {
    if {$wanted ne "" && ![dict exists $matrices $wanted]} {
        throw {CHOOSE_QUANTIZATION LAYER} "no weight matrix is called \"$wanted\""
    }
    if {$wanted ne ""} {
        return $wanted
    }
    set crests {}
    dict for {name about} $matrices {
        lappend crests [list [dict get $about crest] $name]
    }
    lindex [lsort -real -decreasing -index 0 $crests] 0 1
}

# -- 1. sweep -----------------------------------------------------------------------------------------------------

# A list of dicts, as torch::quantization_sweep gives them.
proc choose_quantization::sweep {weights options} {
    set bits [dict get $options -bits]
    set shifted per_channel
    if {[dict get $options -scale_mode] eq "power_of_two"} {
        set shifted [lsort -unique [list per_channel {*}[dict get $options -granularity]]]
    }
    list {*}[torch::quantization_sweep $weights $bits -observer minmax] \
        {*}[torch::quantization_sweep $weights $bits {per_tensor per_channel} symmetric {percentile mse}] \
        {*}[torch::quantization_sweep $weights $bits $shifted symmetric minmax -scale_mode power_of_two]
}

proc choose_quantization::sweep_lines {layer trials matrices options} {
    variable most_widths
    set target [dict get $options -sqnr]
    set bits [lrange [dict get $options -bits] end-[expr {$most_widths - 1}] end]
    set bytes [expr {4 * [dict get $matrices $layer weights]}]
    set table [dict create]
    foreach trial $trials {
        dict set table [way $trial] [dict get $trial bits] [dict get $trial sqnr_db]
    }
    set middle [lindex $bits [expr {[llength $bits] / 2}]]
    set ranked [lmap {way decibels} $table {list [dict get $decibels $middle] $way $decibels}]
    set rows [list [list way {*}[lmap width $bits {string cat $width " "}]]]
    foreach each [lsort -real -decreasing -index 0 $ranked] {
        lassign $each best way decibels
        lappend rows [list $way {*}[lmap width $bits {marked [dict get $decibels $width] $target}]]
    }
    list "Sweep: SQNR in dB of [ending [printable $layer] 60]" \
        "by bits, best first at $middle; * reaches [format %g $target] dB, 2^n: scales are powers of two" \
        {*}[aligned $rows 0] {*}[cheapest_lines $trials $bytes $options] ""
}

proc choose_quantization::way {trial} {
    dict with trial {
        string cat "$granularity $qscheme $observer" [expr {$scale_mode eq "float" ? "" : " 2^n"}]
    }
}

proc choose_quantization::marked {decibels target} {
    string cat [format %.1f $decibels] [expr {$decibels >= $target ? "*" : " "}]
}

# The cheapest way that the options allow the hardware.
proc choose_quantization::cheapest_lines {trials float32 options} {
    set target [dict get $options -sqnr]
    set reaching [lmap trial $trials {
        if {[dict get $trial sqnr_db] < $target || ![allowed $trial $options]} continue
        list [dict get $trial bytes] $trial
    }]
    set kind [dict get {float float power_of_two 2^n} [dict get $options -scale_mode]]
    set limits "[join [dict get $options -granularity]] with $kind scales"
    if {[llength $reaching] == 0} {
        return [list "None of $limits reaches $target dB."]
    }
    lassign [lindex [lsort -integer -index 0 $reaching] 0] bytes trial
    list "Fewest bytes at $target dB, $limits:" \
        "[dict get $trial bits] bits, [way $trial]" \
        "$bytes bytes with its scales, [percent $bytes $float32] of float32"
}

proc choose_quantization::allowed {trial options} {
    expr {
        [dict get $trial granularity] in [dict get $options -granularity]
        && [dict get $trial scale_mode] eq [dict get $options -scale_mode]
    }
}

# -- 2. plan ------------------------------------------------------------------------------------------------------

proc choose_quantization::plan {tensors options} {
    set ways [dict filter $options script {option value} {expr {$option in {-sqnr -bits -granularity -scale_mode}}}]
    torch::quantization_plan -tensors $tensors {*}$ways
}

proc choose_quantization::plan_lines {plan matrices options} {
    set target [dict get $options -sqnr]
    list "Plan: the fewest of [join [dict get $options -bits]] bits that reach $target dB" \
        {*}[layer_lines $plan $matrices] "" {*}[width_lines $plan $matrices] "" \
        {*}[total_lines $plan $matrices] {*}[missed_lines $plan] ""
}

# The layers that need most bits, of equals the largest first.
proc choose_quantization::layer_lines {plan matrices} {
    variable most_rows
    variable longest_name
    set ranked {}
    dict for {name chosen} [dict get $plan weights] {
        lappend ranked [list [dict get $chosen bits] [dict get $chosen bytes] $name $chosen]
    }
    set ranked [lsort -integer -decreasing -index 0 [lsort -integer -decreasing -index 1 $ranked]]
    set rows [list {layer shape bits "dB " bytes {of float32}}]
    foreach each [lrange $ranked 0 $most_rows-1] {
        lassign $each bits bytes name chosen
        set about [dict get $matrices $name]
        lappend rows [list [ending [printable $name] $longest_name] [join [dict get $about shape] x] $bits \
            [marked_missing $chosen] $bytes [percent $bytes [expr {4 * [dict get $about weights]}]]]
    }
    set lines [aligned $rows {0 1}]
    if {![dict get $plan reached]} {
        lappend lines "! misses [format %g [dict get $plan sqnr]] dB"
    }
    if {[llength $ranked] > $most_rows} {
        lappend lines "The $most_rows of [llength $ranked] matrices that need most bits."
    }
    return $lines
}

proc choose_quantization::marked_missing {chosen} {
    string cat [format %.1f [dict get $chosen sqnr_db]] [expr {[dict get $chosen reached] ? " " : "!"}]
}

proc choose_quantization::width_lines {plan matrices} {
    set counted [dict create]
    dict for {name chosen} [dict get $plan weights] {
        set bits [dict get $chosen bits]
        dict update counted $bits sums {
            dict incr sums matrices
            dict incr sums weights [dict get $matrices $name weights]
            dict incr sums bytes [dict get $chosen bytes]
        }
    }
    set rows [list {bits matrices weights MB}]
    foreach bits [lsort -integer [dict keys $counted]] {
        dict with counted $bits {
            lappend rows [list $bits $matrices $weights [megabytes $bytes]]
        }
    }
    aligned $rows
}

proc choose_quantization::total_lines {plan matrices} {
    set bytes [sum [lmap chosen [dict values [dict get $plan weights]] {dict get $chosen bytes}]]
    set weights [sum [lmap about [dict values $matrices] {dict get $about weights}]]
    list "Whole model: [counted [dict size $matrices] {weight matrix} {weight matrices}], $weights weights" \
        "float32 [megabytes [expr {4 * $weights}]] MB, planned [megabytes $bytes] MB\
            ([percent $bytes [expr {4 * $weights}]])" \
        "[format %.2f [expr {8.0 * $bytes / $weights}]] bits a weight with scales,\
            SQNR of all weights together [format %.1f [whole_sqnr $plan $matrices]] dB"
}

proc choose_quantization::whole_sqnr {plan matrices} {
    set signal [sum [lmap about [dict values $matrices] {dict get $about signal}]]
    set noise 0.0
    dict for {name chosen} [dict get $plan weights] {
        set noise [expr {$noise + [dict get $chosen mse] * [dict get $chosen elements]}]
    }
    expr {$noise == 0 ? Inf : 10 * log10($signal / $noise)}
}

proc choose_quantization::missed_lines {plan} {
    set lines {}
    dict for {name chosen} [dict get $plan weights] {
        if {![dict get $chosen reached]} {
            lappend lines "Misses the target: [ending [printable $name] 58]"
        }
    }
    if {[llength $lines]} {
        lappend lines "Wider -bits, or -granularity {per_channel per_group}, may reach it."
    }
    return $lines
}

# -- 3. files -----------------------------------------------------------------------------------------------------

# What torch::export_model returns.
proc choose_quantization::write_files {tensors plan options} {
    file mkdir [dict get $options -folder]
    torch::export_model $tensors $plan [weights_folder $options] [dict get $options -format] \
        -values_per_word [dict get $options -values_per_word] -force [dict get $options -force]
}

proc choose_quantization::weights_folder {options} {
    file join [dict get $options -folder] weights
}

# Read the file back: it must hold these integers.
proc choose_quantization::check_file {file integers} {
    torch::scope {
        set expected [torch::tensor_to [dict get $integers quantized] -dtype int32]
        set differences [torch::tensor_sub [torch::import_integers $file] $expected]
        set largest [torch::tensor_item [torch::tensor_max [torch::tensor_abs $differences]]]
    }
    if {$largest != 0} {
        throw {CHOOSE_QUANTIZATION FILE} "\"$file\" does not hold what was written"
    }
}

# The index has an entry a line, in the order of the plan.
proc choose_quantization::file_of {layer plan options} {
    set index [open [file join [weights_folder $options] index.json]]
    try {
        set files [regexp -all -inline -line {^    "(?:[^"\\]|\\.)*": \{"file": "[^"]*"} [read $index]]
    } finally {
        close $index
    }
    set entry [lindex $files [lsearch -exact [dict keys [dict get $plan weights]] $layer]]
    regexp {"([^"]*)"$} $entry -> file
    return $file
}

proc choose_quantization::file_lines {totals file options} {
    set info [torch::integers_info $file]
    dict with totals {
        list "Files: [counted $weights file files] and index.json in\
                [ending [printable [weights_folder $options]] 45]" \
            "[dict get $options -format], [megabytes $bytes] MB for [megabytes [expr {$bits / 8}]] MB of\
                integers; scales are in the manifests" \
            "read back [ending [printable [file tail $file]] 60]:" \
            "[dict get $info words] words of [dict get $info word_bits] bits, every integer as it was" ""
    }
}

# -- 4. pictures --------------------------------------------------------------------------------------------------

proc choose_quantization::draw {weights chosen plan options} {
    set folder [dict get $options -folder]
    torch::plot_sqnr [dict get $plan tried] -target [dict get $options -sqnr] -file [file join $folder sqnr.png] \
        -title "SQNR of the weights by width"
    draw_errors [file join $folder errors.png] $weights $chosen
    draw_histogram [file join $folder histogram.png] $weights [dict get $chosen bits]
    draw_levels [file join $folder levels.png]
}

proc choose_quantization::draw_errors {file weights chosen} {
    torch::scope {
        set integers [torch::quantize_integers $weights -like $chosen]
        torch::plot_quantization_errors $weights [dict get $integers quantized] \
            [torch::dequantize_integers $integers] [dict get $chosen bits] $file \
            -title "Quantized [dict get $chosen granularity]"
    }
}

proc choose_quantization::draw_histogram {file weights bits} {
    torch::scope {
        set integers [torch::quantize_integers $weights $bits per_tensor]
        dict with integers {
            set levels [torch::uniform_levels $scale $zero_point $quant_min $quant_max]
        }
        torch::plot_quantization_histogram $weights $levels -file $file \
            -title "All weights and the levels of $bits bits, one scale for the tensor"
    }
}

proc choose_quantization::draw_levels {file} {
    torch::scope {
        set levels [dict create uniform [torch::uniform_levels [expr {1.0 / 15}] 0 0 15]]
        dict set levels APoT [dict get [torch::apot_levels 4 2] levels]
        torch::plot_levels $levels -file $file -title "Levels of 4 bits from 0 to 1"
    }
}

proc choose_quantization::picture_lines {layer chosen} {
    list "Pictures, beside the folder of weights:" \
        "sqnr.png       the SQNR of each matrix at each width that was tried" \
        "errors.png     what [dict get $chosen bits] bits do to [ending [printable $layer] 40]" \
        "histogram.png  its weights, and the levels of one scale for all of them" \
        "levels.png     APoT levels against uniform ones, at 4 bits"
}

# -- text ---------------------------------------------------------------------------------------------------------

proc choose_quantization::sum {numbers} {
    ::tcl::mathop::+ {*}$numbers
}

proc choose_quantization::product {numbers} {
    ::tcl::mathop::* {*}$numbers
}

proc choose_quantization::megabytes {bytes} {
    format %.4g [expr {$bytes / 1e6}]
}

proc choose_quantization::percent {part whole} {
    format "%.1f %%" [expr {100.0 * $part / $whole}]
}

proc choose_quantization::counted {number one many} {
    string cat $number " " [expr {$number == 1 ? $one : $many}]
}

# Lines of text from rows of cells, each column as wide as its widest cell; the columns in `texts` start at the left.
proc choose_quantization::aligned {rows {texts {}}} {
    set forms {}
    for {set column 0} {$column < [llength [lindex $rows 0]]} {incr column} {
        set width [::tcl::mathfunc::max {*}[lmap row $rows {string length [lindex $row $column]}]]
        lappend forms %[expr {$column in $texts ? "-" : ""}]${width}s
    }
    lmap row $rows {string trimright [format [join $forms "  "] {*}$row]}
}

# A name from a file is anything: what would move the cursor is shown as a question mark.
proc choose_quantization::printable {name} {
    regsub -all {[^[:print:]]} $name ?
}

# The end of a long name, which tells more than its beginning.
proc choose_quantization::ending {name length} {
    if {[string length $name] <= $length} {
        return $name
    }
    string cat ... [string range $name end-[expr {$length - 4}] end]
}

if {[llength $argv] == 0 || [string match -* [lindex $argv 0]]} {
    puts stderr $choose_quantization::usage
    exit 1
}
try {
    choose_quantization::main $argv
} trap {CHOOSE_QUANTIZATION} {message} - trap {POSIX} {message} - trap {TORCH} {message} {
    puts stderr "choose_quantization: [choose_quantization::printable $message]"
    exit 1
}
