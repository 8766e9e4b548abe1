"""What is wrong with an argument, by the name of the parameter."""


class BadArgument(ValueError):
    """An argument that cannot be taken: one line that names the parameter, what it got and what it needs."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter
