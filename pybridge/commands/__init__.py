"""The Tcl commands, one module a family. Importing this package registers them all and imports no torch."""

from pybridge.commands import (  # noqa: F401  # each import registers commands
    about,
    apot,
    autograd,
    compute,
    convert,
    create,
    display,
    files,
    learnable,
    linear,
    look,
    memory,
    nn,
    observe,
    quantize,
    quantized,
    random,
    reduce,
)
