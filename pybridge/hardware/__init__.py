"""Files of integers for hardware tools, on plain tensors; knows nothing of Tcl."""

from pybridge.hardware.formats import FORMATS
from pybridge.hardware.manifest import Manifest
from pybridge.hardware.model import Totals, Weight, export_model
from pybridge.hardware.reading import import_integers, import_without_manifest, manifest_path, read_manifest
from pybridge.hardware.refusals import BadFile
from pybridge.hardware.writing import export_integers
from pybridge.quant.arguments import BadArgument

__all__ = [
    "FORMATS",
    "BadArgument",
    "BadFile",
    "Manifest",
    "Totals",
    "Weight",
    "export_integers",
    "export_model",
    "import_integers",
    "import_without_manifest",
    "manifest_path",
    "read_manifest",
]
