"""Scripts written for libtorchtcl find its names, positional orders and option spellings here.

`data/libtorchtcl_surface.json` lists them for the commands that we have, as facts about that extension.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from pybridge.registry import COMMANDS

SURFACE: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "libtorchtcl_surface.json").read_text(encoding="ascii")
)


def parameter_names(name: str) -> list[list[str]]:
    return [[parameter.name for parameter in form.signature.parameters] for form in COMMANDS[name].forms]


@pytest.mark.parametrize("name", sorted(SURFACE))
def test_aliases(name: str) -> None:
    assert set(SURFACE[name]["aliases"]) <= set(COMMANDS[name].names)


@pytest.mark.parametrize("name", sorted(set(SURFACE) - {"no_grad"}))
def test_positional_orders(name: str) -> None:
    for order in SURFACE[name]["positional"]:
        assert any(names[: len(order)] == order for names in parameter_names(name)), order


@pytest.mark.parametrize("name", sorted(SURFACE))
def test_option_spellings(name: str) -> None:
    for option, meant in SURFACE[name]["named"].items():
        parameters = [parameter for form in COMMANDS[name].forms for parameter in form.signature.parameters]
        assert any(option[1:] in each.spellings and each.name == meant for each in parameters), option
