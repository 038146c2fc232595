"""What the error of a recording that cannot be decoded says besides: which recording it is, and the command that replaces it."""

from memo.errors import DataMismatch, MemoError, TypeNotFound, UntrustedType

__all__ = ["locate"]

_WHERE = "  recording: "


def locate(error: MemoError, location: str, command: str) -> None:
    """Note in an error, once, where the recording is that it comes from, and what to type to record the call again.

    Codecs raise these errors: they see the data, and know nothing of the store or the program. A type that is there, but is
    not trusted, needs no new recording.
    """
    if not isinstance(error, DataMismatch | TypeNotFound | UntrustedType):
        return
    if any(note.startswith(_WHERE) for note in getattr(error, "__notes__", ())):
        return
    error.add_note(f"{_WHERE}{location}")
    if not isinstance(error, UntrustedType):
        error.add_note(f"  again with: {command}")
