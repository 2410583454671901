"""Use cases of the ledger (being written; the signatures of the hold functions are settled).

Called inside a caller's transaction. Each locks the volunteer's row itself (a caller who locks several volunteers
does so first, sorted, with `lock`), posts transfers, keeps lots and balances, and appends PointsPosted to the outbox.

    @dataclass(frozen=True, slots=True)
    class Hold:
        hold_id: UUID; volunteer_id: UUID; points: int
        status: Literal["open", "captured", "released", "refunded"]
        expires_at: datetime; held_at: datetime; settled_at: datetime | None

    async def lock(tx, volunteer_ids) -> None
        Opens missing accounts and locks the volunteers' rows, sorted. Read state in a later statement.
    async def hold(tx, volunteer_id, points, cause_event_id, *, hold_id, expires_at, correlation_id=None) -> Hold
        Moves points from the lots that expire first to held. Refusal "insufficient-points" (409; available, needed).
        The same hold_id again returns the hold as it is (nothing moves twice).
    async def capture(tx, hold_id, cause_event_id, *, correlation_id=None) -> Hold
        Open -> captured: held to redeemed. Refusal "hold-settled" (409; status) if not open; NotFound if unknown.
    async def void(tx, hold_id, cause_event_id, *, correlation_id=None) -> Hold
        Open -> released: back to the lots they came from; debt is repaid first; expired lots expire at once.
    async def refund(tx, hold_id, cause_event_id, *, correlation_id=None) -> Hold
        Captured -> refunded: as void, from redeemed.
    async def open_holds_due(tx, limit) -> list[Hold]
        Open holds whose expires_at <= business now, oldest first, not locked: void each in a transaction of its own.
"""
