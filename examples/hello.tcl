# The first steps: make a tensor, compute with it, quantize it. Run it with: tcltorch examples/hello.tcl
package require torch

set x [torch::tensor_create {{-1.5 0.25} {0.5 2}}]
puts "shape      [torch::tensor_shape $x]"
puts "x squared  [torch::tensor_to_list [torch::tensor_mul $x $x]]"
puts "mean       [torch::tensor_item [torch::tensor_mean $x]]"

# Four bits with steps of 0.25 reach from -2 to 1.75.
puts "in 4 bits  [torch::tensor_to_list [torch::fake_quantize_per_tensor $x 0.25 0 -8 7]]"
