"""The one exception of the lab.

Its text is a sentence for the user that says what to do; the command line
prints it and exits non-zero, without a traceback. Every other exception that
leaves the lab is a fault of the lab itself.
"""

__all__ = ["LabError"]


class LabError(Exception):
    """Something the user can act on."""
