"""The Tcl commands, one module a family. Importing this package registers them all and imports no torch."""

from pybridge.commands import (  # noqa: F401  # each import registers commands
    about,
    analysis,
    apot,
    autograd,
    compute,
    convert,
    create,
    display,
    files,
    hardware,
    integers,
    look,
    memory,
    nn,
    observe,
    pictures,
    quantize,
    quantized,
    random,
    reduce,
)
