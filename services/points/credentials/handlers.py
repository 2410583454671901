"""Use cases of credentials: find the award behind one."""

from uuid import UUID

from services.points.badges.handlers import listed
from services.points.credentials import store
from services.points.credentials.domain import CredentialAward, Holder
from services.points.teams import domain as teams
from services.points.teams import handlers as team_handlers
from shared.errors import NotFound
from shared.postgres import Tx

__all__ = ["find"]


async def find(tx: Tx, award_id: UUID, *, of: tuple[Holder, UUID] | None = None) -> CredentialAward:
    """An award with what earned it, in the words of the criteria that it was made under.

    Raises:
        NotFound: there is none, or not ``of`` this volunteer or this team; who may see a team's may not see a person's.
    """
    row = await store.award(tx, award_id)
    if row is None or (of is not None and (row["holder"], row["holder_id"]) != of):
        raise NotFound("award-unknown", "There is no such award.")
    by_team = row["holder"] == "team"
    sentence = row["name"]
    for document in await team_handlers.listed(tx) if by_team else await listed(tx):
        if document.version == row["criteria_version"]:
            found = document.criteria().find(row["badge"])
            if found is not None:
                sentence = teams.sentence(found[0]) if by_team else found[0].sentence()
    return CredentialAward(sentence=sentence, **row)
