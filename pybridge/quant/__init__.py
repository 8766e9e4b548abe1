"""Quantization on plain tensors, for Python as for Tcl. Nothing in here knows of Tcl."""

from pybridge.quant.fake_quantize import fake_quantize_per_channel, fake_quantize_per_tensor

__all__ = ["fake_quantize_per_channel", "fake_quantize_per_tensor"]
