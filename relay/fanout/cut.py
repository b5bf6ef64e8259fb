"""Cut: why a client is cut."""

from enum import Enum


class Cut(Enum):
    """The reasons there are, as the log words them."""

    TALK = "it talks on a stream that only listens"
    GREED = "it asks for more than it reads"
    STALL = "it took no byte for too long"
    MUTE = "it answers no ping"
    BREACH = "it broke a rule of WebSocket, or one of ours"
