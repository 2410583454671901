"""Settings of operations beyond what every service needs."""

from pathlib import Path

from pydantic import Field

from shared.settings import Settings

__all__ = ["OperationsSettings"]


class OperationsSettings(Settings):
    """Settings of the index of events and of the streams that follow it."""

    service: str = "operations"
    event_days: int = Field(default=30, ge=1, le=3650)
    """Days for which the index keeps events."""
    index_batch: int = Field(default=2000, ge=1, le=20_000)
    """Most records of one transaction of the index."""
    index_gather_ms: int = Field(default=200, ge=0, le=5_000)
    """Small batches of the index are at least so many milliseconds apart."""
    stream_clients: int = Field(default=200, ge=1)
    """Streams of events that one API process serves at once; further ones get 503 with ``Retry-After``."""
    stream_seconds: float = Field(default=600.0, gt=0)
    """A stream of events ends after so long, and the browser resumes it with a fresh token."""
    faust_data_dir: Path = Path("var/faust")
    """Directory of faust; it holds nothing that may not be lost."""
