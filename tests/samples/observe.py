"""The commands on observers. What they give is a dict or changes an observer, so no sample fits them."""

CALLS: dict[str, dict[str, str]] = {
    "observer": {
        "kind": "minmax",
        "dtype": "int8",
        "bits": "8",
        "signed": "1",
        "qscheme": "affine",
        "axis": "0",
        "group_size": "2",
        "quant_min": "-8",
        "quant_max": "7",
        "reduce_range": "0",
        "eps": "1e-6",
        "scale_mode": "float",
        "averaging_constant": "0.1",
        "bins": "16",
        "percentile": "99",
        "k": "2",
    },
    "observe": {"observer": "$watch", "input": "$a"},
    "calculate_qparams": {"observer": "$watch"},
    "reset_observer": {"observer": "$watch"},
    "observer_state": {"observer": "$watch"},
    "load_observer_state": {"observer": "$watch", "state": "{w $a}"},
}

ELSEWHERE = {
    "observer": "test_observe.test_options_reach_the_observer",
    "observe": "test_observe.test_observe_gives_the_tensor_itself",
    "calculate_qparams": "test_observe.test_qparams_of_each_kind",
    "reset_observer": "test_observe.test_reset",
    "observer_state": "test_observe.test_state_through_a_file",
    "load_observer_state": "test_observe.test_state_through_a_file",
}

SETUP = "set watch [torch::observer minmax]; torch::observe $watch $a"

BAD_WORDS = {"observer": ("observer999999", "TORCH HANDLE")}
