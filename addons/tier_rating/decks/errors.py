"""What can be wrong with a deck."""


class DeckError(ValueError):
    """What is wrong with a deck; ``line`` is the line of the file, from 1."""

    def __init__(self, line, message):
        super().__init__(f"Line {line}: {message}")
        self.line = line
