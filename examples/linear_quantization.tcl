# The lesson "Linear Quantization II", per channel, step by step: a tensor of 3x3 numbers in 8 bits, with one scale for
# all of it, one for each row and one for each column.

package require torch

proc show {title tensor {format %10.4f}} {
    puts $title
    foreach row [torch::tensor_to_list $tensor -nested 1] {
        puts "  [join [lmap value $row {format $format $value}] {}]"
    }
}

set test_tensor [torch::tensor_create {
    {191.6 -13.5 728.6}
    {92.14 295.5 -184}
    {0 684.6 245.5}
}]
show "the tensor" $test_tensor

# Symmetric: the largest magnitude becomes 127, 0 stays 0, and every code is the rounded quotient.
puts "\none scale for all"
set scale [torch::get_q_scale_symmetric $test_tensor]
puts "scale [format %.6f $scale] = 728.6 / 127"
set quantized [torch::linear_q_with_scale_and_zero_point $test_tensor $scale 0]
show "quantized" $quantized %10d
set dequantized [torch::linear_dequantization $quantized $scale 0]
show "dequantized" $dequantized
puts "error [format %.7f [torch::quantization_error $test_tensor $dequantized]]"

# dim = 0, along the rows: each row has its own scale, of the largest magnitude in it.
puts "\na scale for each row, step by step"
set scales {}
foreach row [torch::tensor_to_list $test_tensor -nested 1] {
    set scale [torch::get_q_scale_symmetric [torch::tensor_create $row]]
    puts [format "  %-22s scale %.7f" [lmap value $row {format %.2f $value}] $scale]
    lappend scales $scale
}

# A tensor of the shape {3 1} is a column, and broadcasts: row i is divided by the i-th scale. In the shape {1 3} the
# scales would stand for columns.
set scale [torch::tensor_create $scales -shape {3 1}]
set quantized [torch::linear_q_with_scale_and_zero_point $test_tensor $scale 0]
show "quantized" $quantized %10d

# The same in one command, along the rows and along the columns.
foreach {dim name} {0 row 1 column} {
    puts "\na scale for each $name, dim = $dim"
    set result [torch::linear_q_symmetric_per_channel $test_tensor $dim]
    set scale [dict get $result scale]
    puts "scale, shape {[torch::tensor_shape $scale]}:\
        [lmap value [torch::tensor_to_list $scale] {format %.7f $value}]"
    show "quantized" [dict get $result quantized] %10d
    set dequantized [torch::linear_dequantization [dict get $result quantized] $scale 0]
    show "dequantized" $dequantized
    set difference [torch::tensor_sub $dequantized $test_tensor]
    show "squared difference" [torch::tensor_mul $difference $difference]
    puts "error [format %.7f [torch::quantization_error $test_tensor $dequantized]]"
}

# Fewer bits cost more error, and finer scales give some of it back.
puts "\nmean squared error by width and granularity"
puts "  bits  per tensor     per row  per column"
foreach bits {8 6 4 3 2} {
    set errors {}
    torch::scope {
        set one [torch::linear_q_symmetric $test_tensor int$bits]
        set rows [torch::linear_q_symmetric_per_channel $test_tensor 0 int$bits]
        set columns [torch::linear_q_symmetric_per_channel $test_tensor 1 int$bits]
        foreach result [list $one $rows $columns] {
            set dequantized [torch::linear_dequantization [dict get $result quantized] [dict get $result scale] 0]
            lappend errors [torch::quantization_error $test_tensor $dequantized]
        }
    }
    puts [format "  %4d%12.3f%12.3f%12.3f" $bits {*}$errors]
}
