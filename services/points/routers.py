"""All that the API serves, in one list: imported only by the process that serves it."""

from services.points.accounts import api as accounts_api
from services.points.activations import api as activations_api
from services.points.adjustments import api as adjustments_api
from services.points.audits import api as audits_api
from services.points.badges import api as badges_api
from services.points.badges import criteria_api
from services.points.complaints import api as complaints_api
from services.points.complaints.proposals import api as proposals_api
from services.points.credentials import api as credentials_api
from services.points.fates.store import PointsFates
from services.points.integrity import api as integrity_api
from services.points.leaders import api as leaders_api
from services.points.previews import api as previews_api
from services.points.referrals import api as referrals_api
from services.points.rehearsals import api as rehearsals_api
from services.points.rewards import api as rewards_api
from services.points.rewards import shelf_api
from services.points.rewards.catalogue import api as catalogue_api
from services.points.rewards.pickups import api as pickups_api
from services.points.rules import api as rules_api
from services.points.teams import api as teams_api
from shared.operators import api as operators_api

__all__ = ["ROUTERS"]

ROUTERS = (
    rules_api.router,
    rehearsals_api.router,
    activations_api.router,
    previews_api.router,
    accounts_api.router,
    pickups_api.router,
    adjustments_api.router,
    badges_api.router,
    criteria_api.router,
    credentials_api.router,
    complaints_api.router,
    proposals_api.router,
    referrals_api.router,
    integrity_api.router,
    rewards_api.router,
    catalogue_api.router,
    shelf_api.router,
    leaders_api.router,
    teams_api.router,
    audits_api.router,
    operators_api.router_of("points", PointsFates()),
)
