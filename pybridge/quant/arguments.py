"""What the functions of this package say about an argument that they refuse."""


class BadArgument(ValueError):
    """An argument of the right type that a function refuses.

    Attributes:
        parameter: its name; the message says what it got and what it needs.
    """

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter
