# Gradients through fake quantization. Rounding has the gradient 0 almost everywhere, which would stop all training, so
# the straight-through estimator (Bengio et al. 2013, arXiv:1308.3432) takes it for the identity: the gradient passes
# where the rounded value is inside the range, and is 0 where it had to be clamped.

package require torch

proc show {title args} {
    puts $title
    foreach {label tensor} $args {
        # adding 0 makes 0.0 of -0.0
        set cells [lmap value [torch::tensor_to_list $tensor] {format %7.4g [expr {$value + 0}]}]
        puts [format "  %-10s%s" $label [join $cells ""]]
    }
}

# The sum of the quantized values has the gradient 1 for each of them, so what arrives at x is the mask itself.
set x [torch::tensor_create {-5 -2.1 -1.9 -0.6 0 0.6 1.7 1.8 5} -requires_grad 1]
set q [torch::fake_quantize_per_tensor $x 0.25 0 -8 7]
torch::tensor_backward [torch::tensor_sum $q]
show "one scale, 0.25, in 4 bits: from [expr {-8 * 0.25}] to [expr {7 * 0.25}]" \
    x $x quantized $q gradient [torch::tensor_grad $x]

# Each row has its own scale, and so its own range and its own mask.
set x [torch::tensor_create {{-3 -1 1 3} {-3 -1 1 3}} -requires_grad 1]
set scales [torch::tensor_create {0.25 0.5}]
set q [torch::fake_quantize_per_channel $x $scales [torch::zeros 2 int32] 0 -8 7]
torch::tensor_backward [torch::tensor_sum [torch::tensor_mul $q $q]]
show "\na scale for each row, 0.25 and 0.5; the gradient of the sum of the squares" \
    x $x quantized $q gradient [torch::tensor_grad $x]

# Training with it: the weight is kept in full precision, and moves by steps that are too small for its quantized value
# to follow at once.
set weight 0.0
puts "\ngradient descent on (quantized weight - 1.2)^2"
for {set step 0} {$step < 8} {incr step} {
    torch::scope {
        set w [torch::tensor_create $weight -requires_grad 1]
        set q [torch::fake_quantize_per_tensor $w 0.25 0 -8 7]
        set difference [torch::tensor_sub $q 1.2]
        torch::tensor_backward [torch::tensor_mul $difference $difference]
        puts [format "  weight %6.3f  quantized %5.2f  gradient %6.3f" \
            $weight [torch::tensor_item $q] [torch::tensor_item [torch::tensor_grad $w]]]
        set weight [expr {$weight - 0.2 * [torch::tensor_item [torch::tensor_grad $w]]}]
    }
}
