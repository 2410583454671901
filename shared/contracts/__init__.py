"""Every event that crosses a topic: frozen models, exported as JSON Schema and AsyncAPI and kept compatible."""

from shared.contracts.alerts import AlertCleared, AlertRaised
from shared.contracts.attendance import AssertionNoted, AttendanceRecorded
from shared.contracts.base import Contract, Instant
from shared.contracts.beats import ConsumerBeat, ProcessBeat, ServiceBeat, TopicBeat
from shared.contracts.integrity import CaseOpened, CaseSettled
from shared.contracts.live import DrivePulse, MessageDelivered, PulseTick, SitePulse
from shared.contracts.operating import OperatorActed
from shared.contracts.ordering import OrderChanged
from shared.contracts.places import ActivityChanged, SiteChanged
from shared.contracts.recruiting import DriveOpened, SignupCancelled, SignupPlaced, VolunteerRegistered
from shared.contracts.rewarding import (
    BadgeAwarded,
    BadgeRevoked,
    PointsPosted,
    RedemptionCaptured,
    RedemptionHeld,
    RedemptionRefunded,
    RedemptionReleased,
    RedemptionReminder,
    TeamBadgeAwarded,
    TeamBadgeRevoked,
)
from shared.contracts.waiting import (
    ShiftMessageSent,
    ShiftReminder,
    SwapDecided,
    SwapProposed,
    WaitlistEnded,
    WaitlistJoined,
    WaitlistOffered,
    WaitlistPromoted,
    WaitlistSkipped,
)

__all__ = [
    "BY_TYPE",
    "CONTRACTS",
    "ActivityChanged",
    "AlertCleared",
    "AlertRaised",
    "AssertionNoted",
    "AttendanceRecorded",
    "BadgeAwarded",
    "BadgeRevoked",
    "CaseOpened",
    "CaseSettled",
    "ConsumerBeat",
    "Contract",
    "DriveOpened",
    "DrivePulse",
    "Instant",
    "MessageDelivered",
    "OperatorActed",
    "OrderChanged",
    "PointsPosted",
    "ProcessBeat",
    "PulseTick",
    "RedemptionCaptured",
    "RedemptionHeld",
    "RedemptionRefunded",
    "RedemptionReleased",
    "RedemptionReminder",
    "ServiceBeat",
    "ShiftMessageSent",
    "ShiftReminder",
    "SignupCancelled",
    "SignupPlaced",
    "SiteChanged",
    "SitePulse",
    "SwapDecided",
    "SwapProposed",
    "TeamBadgeAwarded",
    "TeamBadgeRevoked",
    "TopicBeat",
    "VolunteerRegistered",
    "WaitlistEnded",
    "WaitlistJoined",
    "WaitlistOffered",
    "WaitlistPromoted",
    "WaitlistSkipped",
]

CONTRACTS: tuple[type[Contract], ...] = (
    SiteChanged,
    ActivityChanged,
    VolunteerRegistered,
    DriveOpened,
    SignupPlaced,
    SignupCancelled,
    WaitlistJoined,
    WaitlistOffered,
    WaitlistPromoted,
    WaitlistSkipped,
    WaitlistEnded,
    SwapProposed,
    SwapDecided,
    ShiftMessageSent,
    ShiftReminder,
    AttendanceRecorded,
    AssertionNoted,
    OrderChanged,
    PointsPosted,
    BadgeAwarded,
    BadgeRevoked,
    TeamBadgeAwarded,
    TeamBadgeRevoked,
    RedemptionHeld,
    RedemptionReminder,
    RedemptionCaptured,
    RedemptionReleased,
    RedemptionRefunded,
    CaseOpened,
    CaseSettled,
    PulseTick,
    MessageDelivered,
    OperatorActed,
    AlertRaised,
    AlertCleared,
    ServiceBeat,
)

BY_TYPE: dict[str, type[Contract]] = {contract.type: contract for contract in CONTRACTS}
