"""The one tree of errors: each says what was found, what was expected and what to do.

An error carries the facts behind its sentence as `facts`, and becomes an exit code in exactly one place (`cli`).
"""


class OpenIgrtError(Exception):
    """Root of all errors that OpenIGRT raises on purpose. `facts` holds what the sentence says, for programs."""

    def __init__(self, sentence: str, **facts: object) -> None:
        """Keep the sentence for people and the facts for programs."""
        super().__init__(sentence)
        self.sentence = sentence
        self.facts = facts


class FrameMismatch(OpenIgrtError):
    """Two coordinates, transforms or images of different frames were joined."""


class InvalidGeometry(OpenIgrtError):
    """A rotation, grid or point set that cannot exist in space."""


class UnsupportedPatientPosition(OpenIgrtError):
    """A patient position that is none of the eight that OpenIGRT knows."""


class InputError(OpenIgrtError):
    """A file, folder or option from outside that cannot be used as it is."""


class WrongUsage(InputError):
    """Words of a call that cannot be meant, whatever the files: unknown, out of bounds, or against one another."""


class UnreadableFile(InputError):
    """A file that is damaged, truncated, or not what it claims to be."""


class InconsistentInput(InputError):
    """Files that contradict each other: other patient, other frame, missing slice, other structure set."""


class AmbiguousInput(InputError):
    """Several plans, series, beams or isocenters fit: the caller must choose; OpenIGRT never guesses."""


class MissingInput(InputError):
    """Something needed is not there: no plan, no image, no isocenter."""


class UnsupportedInput(InputError):
    """Well-formed input that OpenIGRT does not handle, and says so by name."""


class ConfigurationRequired(OpenIgrtError):
    """A conversion or limit that the site must state in its machine file or protocol before it may be used."""


class MatchImpossible(OpenIgrtError):
    """Two images that cannot be matched at all: no overlap, constant, not finite."""


class DeviceRefusal(OpenIgrtError):
    """A device was asked for what it cannot or may not do now; it has done nothing, and moved nothing."""


class BeyondLimit(DeviceRefusal):
    """A device was asked to go where it cannot: beyond a limit, or along an axis that it lacks."""


class Interlocked(DeviceRefusal):
    """The beam was asked for while an interlock stands."""


class DeviceFailure(OpenIgrtError):
    """A device does not answer, or did not do what it began to do."""
