"""Who does something and why: every use case is told, every event and decision records it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    LEAD = "lead"
    STAFF = "staff"
    API_KEY = "api_key"
    SYSTEM = "system"
    CARRIER = "carrier"


class Role(StrEnum):
    """What a member of staff may do: agents see their own leads, the others the whole floor."""

    OWNER = "owner"
    MANAGER = "manager"
    AGENT = "agent"
    COMPLIANCE = "compliance"


@dataclass(frozen=True, slots=True)
class Actor:
    """`id` is the agent's, the API key's or the contact's row; None for the system and the carrier."""

    kind: ActorKind
    id: UUID | None = None
    role: Role | None = None


SYSTEM = Actor(ActorKind.SYSTEM)
CARRIER = Actor(ActorKind.CARRIER)
