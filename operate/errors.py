"""What a command of an operator fails with: a sentence that says what to do, never a traceback."""

__all__ = ["OperateError"]


class OperateError(Exception):
    """A command cannot go on; the text says why and what to do."""
