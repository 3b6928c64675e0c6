"""How a name of the Jinja context refuses: the message is for the template's author."""

from __future__ import annotations


class TemplateFailure(Exception):  # noqa: N818 - a refusal of ours, not a bug
    """The template refuses to go on: ``message`` for its author, with an optional hint."""

    def __init__(self, message: str, hint: str | None = None, code: str = "R010") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
