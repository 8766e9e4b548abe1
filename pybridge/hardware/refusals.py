"""What cannot be written or read, and why: the texts name no Python."""


class BadContent(ValueError):
    """What is wrong with the content of a file; the text goes on after the file's name."""


class BadToken(BadContent):
    """A word of a file that is not what it should be.

    Attributes:
        index: its number among the words of the file, from 0.
    """

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


class BadFile(ValueError):
    """A file whose content cannot be read.

    Attributes:
        path: the file.
        what: what is wrong, to go on after the file's name.
    """

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f'"{path}" {what}')
        self.path, self.what = path, what


def quoted(token: bytes) -> str:
    """A word of a file as a message shows it."""
    text = token.decode("ascii", "backslashreplace")
    text = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
    return f'"{text}"' if len(text) <= 40 else f'"{text[:40]}..."'
