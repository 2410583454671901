"""The meaning of each event field, by name: a name has one meaning in all events, except where a type says otherwise.

The meanings are no part of the JSON Schemas, so that better words publish no new version.
"""

from shared.contracts.base import Contract

__all__ = ["meaning_of"]

_MEANINGS = {
    "act_id": "The act, as the audit trail of the service has it.",
    "activity_id": "The activity that the shift belongs to.",
    "activity_title": "Title of the activity at that moment.",
    "amount": "Signed change in points that the reason brought.",
    "appeal_id": "The referral appeal under which the volunteer registered.",
    "available": "Points that can be spent, after the change.",
    "award_id": "One award of one badge; its revocation names the same id.",
    "awarded_at": "When the badge was awarded.",
    "badge": "Code of the badge.",
    "bucket": "Unit of records that one award is computed from, such as a business day.",
    "by_drive": "The same counts per recruitment drive: `drive_id`, `records`, `points`.",
    "by_site": "The same counts per site: `site_id`, `records`, `points`.",
    "cancelled_at": "When the sign-up was cancelled.",
    "captured_at": "When the reward was handed over.",
    "case_id": "The case; derived from what it is about, so that replays open the same one.",
    "channel": "How the message travels.",
    "closed_by": "What ended the record.",
    "code": "Code in the address of the drive's page, `/d/<code>`.",
    "criteria_version": "Version of the criteria that the badge was judged by.",
    "day": "Business day that the case is about.",
    "debt": "Points that corrections took back after they were spent, after the change.",
    "deniable_until": "Until when the volunteer may deny the record.",
    "device_ref": "Registered device that uploaded the record, or `phone:` and the random id of a browser.",
    "distance_m": "Metres between the check-in and the site.",
    "district": "The district; constant within one installation.",
    "drive_id": "The recruitment drive.",
    "ended_at": "When the service ended; absent while the record is open.",
    "ends_at": "Planned end.",
    "event_id": "The event that the message is about.",
    "expires_at": "When the hold ends by itself.",
    "held": "Points held for rewards that wait for pickup, after the change.",
    "kind": "Kind of the case.",
    "limit": "Threshold that was exceeded, in `unit`.",
    "measured": "What was found, in `unit`.",
    "message_id": "The message.",
    "minutes": "Whole minutes that the record holds.",
    "name": "Chinese name, for messages and pages.",
    "opened_at": "When the case was opened.",
    "outcome": "Decision of the person who settled the case.",
    "overtime_minutes": "Minutes outside the shift that the act is about.",
    "place_kind": "Kind of place where the drive is held.",
    "placed_at": "When the sign-up was made.",
    "planned_minutes": "Length of the planned shift in minutes.",
    "points": "Price in points.",
    "points_per_minute": "Sum of point changes within the window.",
    "posted_at": "When the change was posted, in business time.",
    "posting_id": "The posting: all transfers of one change.",
    "provenance": "How the record came to be.",
    "reason": "Why, for the volunteer to read.",
    "record_id": "The service record.",
    "record_ids": "The service records concerned.",
    "recorded_by": "Account that recorded it; absent for the volunteer's own check-in and check-out.",
    "recorder_site_id": "Site of the account that recorded it.",
    "records_per_minute": "Services that were confirmed within the window.",
    "redemption_id": "The redemption.",
    "refunded_at": "When the points were refunded.",
    "registered_at": "When the volunteer was registered.",
    "released_at": "When the hold was released.",
    "reminded_at": "When the reminder was due.",
    "revision": "Number of this state of the record, from 1; the highest one counts.",
    "revoked_at": "When the badge was revoked.",
    "reward_id": "The reward in the catalogue.",
    "reward_name": "Name of the reward at that moment.",
    "rule_version": "Version of the rule that the points were computed by.",
    "services": "Services of the team that count.",
    "settled_at": "When the case was settled.",
    "shift_id": "The shift.",
    "signup_id": "The sign-up of one volunteer for one shift.",
    "site_id": "The site where it takes place.",
    "site_ids": "Sites of the records.",
    "source": "How the volunteer came to be registered.",
    "started_at": "When the service started.",
    "starts_at": "Planned start.",
    "status": "Whether the minutes count: only those of `confirmed` records do.",
    "subject": "Id of the volunteer, the account or the device that it is about.",
    "subject_kind": "What `subject` is the id of.",
    "team_id": "The team.",
    "template": "Template that the message was rendered from.",
    "theme": "Theme of the activity.",
    "thresholds_version": "Version of the thresholds that the case was found by.",
    "unit": "Unit of `measured` and `limit`.",
    "volunteer_id": "The volunteer.",
    "volunteer_number": "Registry number of the volunteer.",
    "waits_for": "Codes of the reasons for which another site must decide first.",
    "window_seconds": "Length of the window in seconds.",
}

_EXCEPTIONS = {
    "volunteering.attendance.recorded.v1": {
        "kind": "Kind of the service within its theme.",
        "approval_level": "Who had to approve the record.",
        "site_id": "The site where the service took place.",
        "team_id": "The team that the volunteer served with.",
        "drive_id": "The drive that recruited the volunteer.",
    },
    "volunteering.assertions.noted.v1": {"act": "What the account did about the record."},
    "volunteering.points.posted.v1": {
        "reason": "Kind of the change.",
        "drive_id": "The drive that recruited the volunteer.",
    },
    "volunteering.volunteer.registered.v1": {"site_id": "The site where the volunteer registered."},
    "volunteering.redemption.held.v1": {"site_id": "The site where the reward is picked up."},
    "volunteering.integrity.act-seen.v1": {
        "at": "The moment that decides the windows it belongs to.",
        "kind": "Kind of the windows.",
        "place": "Kind, class of the device and id of the account or device: what has windows of its own.",
        "provenance": "How the record came to be.",
    },
    "volunteering.pulse.ticked.v1": {"at": "End of the window."},
    "volunteering.audit.operator-acted.v1": {
        "act": "What was done; a look is at one dead letter.",
        "actor_id": "The member of staff.",
        "at": "When it was done, in real time.",
        "consumer_group": "The consumer group that it is about.",
        "dry_run": "Whether it changed nothing but the audit trail.",
        "records": "How many records it is about.",
        "role": "The role in which it was done.",
        "service": "The service whose streams it is about.",
        "subject": "Id of the dead letter, the replay or the reset.",
    },
    "volunteering.message.delivered.v1": {
        "at": "When the channel answered.",
        "status": "What became of the message; `unknown` is shown to operators and never sent again.",
    },
}


def meaning_of(contract: type[Contract], field: str) -> str:
    """The meaning of one field of one event type, a sentence.

    Raises:
        KeyError: no meaning is written for the field.
    """
    return _EXCEPTIONS.get(contract.type, {}).get(field) or _MEANINGS[field]
