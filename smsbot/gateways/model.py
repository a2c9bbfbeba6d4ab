"""The model as the rest of the product sees it: one question, one raw answer within a budget, or a failure of a kind.

The openai library stays out of here: it costs 40 MB, and the web processes never call a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Failure(StrEnum):
    """The values of `ModelFailed.kind`."""

    TIMEOUT = "timeout"  # the budget is spent
    UNAVAILABLE = "unavailable"  # not reached, an error of the server, or a refused key
    THROTTLED = "throttled"
    REFUSED = "refused"  # the model or its filter would not answer
    MALFORMED = "malformed"  # an answer that is cut off, empty or of another shape


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What the model said, unchecked: whether `content` is JSON that keeps the schema is the caller's to see."""

    content: str = field(repr=False)
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    elapsed_s: float


class ChatModel(Protocol):
    """Whatever writes our drafts."""

    def answer(
        self, messages: Sequence[Mapping[str, str]], *, schema: Mapping[str, Any], schema_name: str, budget_s: float
    ) -> ModelAnswer:
        """The answer to `messages` (role and content each), asked for as JSON by `schema`.

        Raises ModelFailed within `budget_s`; its `kind` is a `Failure`.
        """
        ...
