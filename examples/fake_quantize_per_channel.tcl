# Every example on the page of torch::fake_quantize_per_channel, as it is written there, and what it gives.

package require torch

# Print the title of a section of the page, and start it from the tensors of the first section.
proc section {title} {
    global input scales zero_points first
    if {[info exists first]} {
        lassign $first input scales zero_points
    }
    puts $title
}

proc show {name} {
    upvar 1 $name tensor
    set values [lmap value [torch::tensor_to_list $tensor] {format %.6g $value}]
    puts "  $name, shape [list [torch::tensor_shape $tensor]]: $values"
}

section "Basic Per-Channel Quantization"

# Create input tensor [2, 3]
set input [torch::tensorCreate -data {1.5 2.5 3.5 4.5 5.5 6.5} -shape {2 3} -dtype float32]

# Create per-channel scales for axis 1 (3 channels)
set scales [torch::tensorCreate -data {0.1 0.2 0.3} -shape {3} -dtype float32]

# Create per-channel zero points
set zero_points [torch::tensorCreate -data {0 1 2} -shape {3} -dtype int32]

# Apply fake quantization along axis 1
set quantized [torch::fake_quantize_per_channel $input $scales $zero_points 1]

show quantized
set first [list $input $scales $zero_points]

section "Named Parameter Syntax"

# Same operation using named parameters
set quantized [torch::fake_quantize_per_channel \
    -input $input \
    -scales $scales \
    -zero_points $zero_points \
    -axis 1 \
    -quant_min -128 \
    -quant_max 127]

show quantized

section "CamelCase Syntax"

# Using camelCase alias with camelCase parameter names
set quantized [torch::fakeQuantizePerChannel \
    -input $input \
    -scales $scales \
    -zeroPoints $zero_points \
    -axis 1 \
    -quantMin -128 \
    -quantMax 127]

show quantized

section "Different Quantization Axis"

# Create 3D tensor [2, 4, 3]
set input [torch::tensorCreate -data {1.0 2.0 3.0 4.0 5.0 6.0 7.0 8.0 9.0 10.0 11.0 12.0 13.0 14.0 15.0 16.0 17.0 18.0 19.0 20.0 21.0 22.0 23.0 24.0} -shape {2 4 3} -dtype float32]

# Quantize along axis 1 (4 channels)
set scales [torch::tensorCreate -data {0.1 0.2 0.3 0.4} -shape {4} -dtype float32]
set zero_points [torch::tensorCreate -data {0 1 2 3} -shape {4} -dtype int32]
set quantized [torch::fake_quantize_per_channel $input $scales $zero_points 1]

# Quantize along axis 2 (3 channels)
set scales_axis2 [torch::tensorCreate -data {0.1 0.2 0.3} -shape {3} -dtype float32]
set zero_points_axis2 [torch::tensorCreate -data {0 1 2} -shape {3} -dtype int32]
set quantized_axis2 [torch::fake_quantize_per_channel $input $scales_axis2 $zero_points_axis2 2]

show quantized
show quantized_axis2

section "Custom Quantization Range"

# UINT8 quantization (0 to 255)
set quantized_uint8 [torch::fake_quantize_per_channel \
    -input $input \
    -scales $scales \
    -zero_points $zero_points \
    -axis 1 \
    -quant_min 0 \
    -quant_max 255]

# Custom narrow range
set quantized_narrow [torch::fake_quantize_per_channel \
    -input $input \
    -scales $scales \
    -zero_points [torch::tensorCreate -data {-1 0 1} -shape {3} -dtype int32] \
    -axis 1 \
    -quant_min -1 \
    -quant_max 1]

show quantized_uint8
show quantized_narrow

section "Quantization-Aware Training"

# The page leaves these open: an image, and a convolution that changes nothing.
set input [torch::tensor_reshape [torch::arange 48] {1 3 4 4}]
set weight [torch::tensor_reshape [torch::eye 3] {3 3 1 1}]
set bias [torch::zeros 3]

# Simulate quantization effects during training
set conv_output [torch::conv2d $input $weight $bias]
set quantized_output [torch::fake_quantize_per_channel $conv_output $scales $zero_points 1]

show conv_output
show quantized_output

section "Model Optimization Research"

# The page leaves these open.
set scale 0.1
set zero_point 0

# Compare different quantization strategies
set per_tensor_quantized [torch::fake_quantize_per_tensor $input $scale $zero_point]
set per_channel_quantized [torch::fake_quantize_per_channel $input $scales $zero_points 1]

# Analyze quantization error
set error [torch::tensorSub $input $per_channel_quantized]
set mse [torch::tensorMean [torch::tensorMul $error $error]]

show per_tensor_quantized
show per_channel_quantized
show error
show mse

section "Old (Positional) Style"

set result [torch::fake_quantize_per_channel $input $scales $zero_points 1 -128 127]

show result

section "New (Named Parameter) Style"

set result [torch::fake_quantize_per_channel \
    -input $input \
    -scales $scales \
    -zero_points $zero_points \
    -axis 1 \
    -quant_min -128 \
    -quant_max 127]

show result
