"""The commands on files for hardware: what they do is checked in `tests/test_hardware_*.py`."""

SETUP = """
set integers [torch::tensor_create {{{1 -2 3} {4 5 6}}} int8]
set plan {weights {w {bits 4 granularity per_tensor qscheme symmetric observer minmax axis {} group_size {}
    scale_mode float}}}
"""

_CODING = {"values_per_word": "1", "order": "row", "channels_last": "0", "byte_order": "little"}

CALLS: dict[str, dict[str, str]] = {
    "export_integers": {
        "input": "$integers",
        "file": "missing/w.hex",
        "format": "readmemh",
        "bits": "4",
        "signed": "1",
        **{name: _CODING[name] for name in ("values_per_word", "order", "channels_last")},
        "words_per_line": "1",
        "byte_order": "little",
        "scales": "0.5",
        "zero_points": "0",
        "axis": "0",
        "group_size": "1",
        "name": "w",
        "force": "0",
    },
    "import_integers": {
        "file": "missing.hex",
        "format": "readmemh",
        "bits": "4",
        "signed": "1",
        "shape": "{2 3}",
        "dtype": "int8",
        **_CODING,
    },
    "integers_info": {"file": "missing.hex"},
    "export_model": {
        "tensors": "{w $a}",
        "plan": "$plan",
        "folder": "missing/model",
        "format": "coe",
        **_CODING,
        "force": "0",
    },
}

ELSEWHERE = {
    "export_integers": "test_hardware_commands.test_a_tensor_goes_to_a_file_and_comes_back",
    "import_integers": "test_hardware_commands.test_a_tensor_goes_to_a_file_and_comes_back",
    "integers_info": "test_hardware_commands.test_the_manifest_as_a_dict",
    "export_model": "test_hardware_commands.test_the_files_of_a_model_and_their_totals",
}

BAD_WORDS = {
    "tensor or dict with quantized, scale, zero_point, ?axis?, ?group_size?, bits, qscheme": (
        "{quantized x}",
        "TORCH ARG TYPE",
    ),
    "list of numbers or tensor": ("{1 x}", "TORCH ARG TYPE"),
    "dict with weights": ("{weights {w {bits 4}}}", "TORCH ARG TYPE"),
}
