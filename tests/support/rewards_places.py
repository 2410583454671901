"""Where the drills hand out rewards, and who does."""

from uuid import UUID

__all__ = ["REWARD", "SITE", "STAFF"]

SITE, REWARD, STAFF = UUID(int=0x517E), UUID(int=0x2E), UUID(int=0xF1)
