"""Quantization on plain tensors, for Python as for Tcl. Nothing in here knows of Tcl."""

from pybridge.quant.apot import apot_fake_quantize, apot_qparams, dequantize_apot, quantize_apot
from pybridge.quant.apot_observer import APoTObserver
from pybridge.quant.arguments import BadArgument
from pybridge.quant.channels import Channels
from pybridge.quant.fake_quantize import fake_quantize_per_channel, fake_quantize_per_tensor
from pybridge.quant.histogram import HistogramObserver
from pybridge.quant.observers import MinMaxObserver, MovingAverageMinMaxObserver, Observer, UniformObserver
from pybridge.quant.recorded import MSEObserver, PercentileObserver
from pybridge.quant.schemes import Scheme, choose_qparams

__all__ = [
    "APoTObserver",
    "BadArgument",
    "Channels",
    "HistogramObserver",
    "MSEObserver",
    "MinMaxObserver",
    "MovingAverageMinMaxObserver",
    "Observer",
    "PercentileObserver",
    "Scheme",
    "UniformObserver",
    "apot_fake_quantize",
    "apot_qparams",
    "choose_qparams",
    "dequantize_apot",
    "fake_quantize_per_channel",
    "fake_quantize_per_tensor",
    "quantize_apot",
]
