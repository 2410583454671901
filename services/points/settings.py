"""Settings of the points service."""

from pathlib import Path

from pydantic import SecretStr

from shared.settings import Settings

__all__ = ["PointsSettings"]


class PointsSettings(Settings):
    """Settings of points beyond those of every service."""

    service: str = "points"

    ingest_batch: int = 8000
    """At most so many attendance records are applied in one transaction."""
    ingest_lanes: int = 2
    """So many such transactions run at once in one worker, each on partitions of its own."""
    ingest_generation: int = 0
    """Raised to read attendance again from its beginning, which changes nothing that was applied: another number is
    another consumer group.
    """
    watchdog_seconds: float = 30.0
    """Lag without progress for so long ends the worker, to be started again."""
    timer_seconds: float = 1.0
    """How often expiry and time-outs are looked for; they are judged by business time."""
    rehearsal_processes: int = 2
    """So many processes replay history side by side."""
    rehearsal_portion: int = 10_000
    """About so many records are replayed at a time by each: what it holds, and how soon a cancellation is heard."""
    activation_batch: int = 200
    """So many volunteers at a time come under new rules, in one transaction."""
    public_url: str = "http://127.0.0.1:8000"
    """Address under which the gateway is reached from outside; credentials point there."""
    credential_signing_key: SecretStr = SecretStr("")
    """Raw Ed25519 seed, base64; badges are issued as credentials under it. Without it they cannot be exported."""
    evidence_key: SecretStr = SecretStr("")
    """Key of the evidence of manual adjustments: base64 of 32 bytes. Its loss is that of the evidence."""
    faust_data_dir: Path = Path("var/faust")
    """Directory of faust; it holds nothing that may not be lost."""
