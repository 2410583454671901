"""All that the API serves, in one list: imported only by the process that serves it."""

from services.recruitment.access import api as access_api
from services.recruitment.activities import api as activities_api
from services.recruitment.approvals import api as approvals_api
from services.recruitment.attendance import api as attendance_api
from services.recruitment.cards import api as cards_api
from services.recruitment.closings import api as closings_api
from services.recruitment.consents import api as consents_api
from services.recruitment.contacts import api as contacts_api
from services.recruitment.corrections import api as corrections_api
from services.recruitment.devices import api as devices_api
from services.recruitment.docking import api as docking_api
from services.recruitment.editing import api as editing_api
from services.recruitment.eligibility import api as eligibility_api
from services.recruitment.endings import api as endings_api
from services.recruitment.entries import api as entries_api
from services.recruitment.exports import api as exports_api
from services.recruitment.imports import api as imports_api
from services.recruitment.needs import api as needs_api
from services.recruitment.openings import api as openings_api
from services.recruitment.orders import api as orders_api
from services.recruitment.orders.board import api as orders_board_api
from services.recruitment.orders.details import api as orders_details_api
from services.recruitment.orders.figures import api as orders_figures_api
from services.recruitment.orders.menu import api as orders_menu_api
from services.recruitment.organisation import api as organisation_api
from services.recruitment.positions import api as positions_api
from services.recruitment.projects import api as projects_api
from services.recruitment.recruiting import api as recruiting_api
from services.recruitment.rectifications import api as rectifications_api
from services.recruitment.reports import api as reports_api
from services.recruitment.rollcall import api as rollcall_api
from services.recruitment.schedule import api as schedule_api
from services.recruitment.scheduling import api as scheduling_api
from services.recruitment.security import api as security_api
from services.recruitment.signups import api as signups_api
from services.recruitment.signups.messages import api as messages_api
from services.recruitment.signups.posts import api as posts_api
from services.recruitment.signups.swaps import api as swaps_api
from services.recruitment.signups.waitlist import api as waitlist_api
from services.recruitment.staff import api as staff_api
from services.recruitment.staff import sign_in_api
from services.recruitment.teams import api as teams_api
from services.recruitment.trainings import api as trainings_api
from services.recruitment.vault import api as vault_api
from services.recruitment.volunteers import api as volunteers_api
from services.recruitment.walkins import api as walkins_api
from shared.operators import api as operators_api

__all__ = ["ROUTERS"]

ROUTERS = (
    access_api.router,
    sign_in_api.router,
    staff_api.router,
    organisation_api.router,
    editing_api.router,
    teams_api.router,
    docking_api.router,
    needs_api.router,
    openings_api.router,
    positions_api.router,
    projects_api.router,
    trainings_api.router,
    recruiting_api.router,
    vault_api.router,
    consents_api.router,
    contacts_api.router,
    exports_api.router,
    volunteers_api.router,
    imports_api.router,
    activities_api.router,
    schedule_api.router,
    scheduling_api.router,
    endings_api.router,
    eligibility_api.router,
    signups_api.router,
    waitlist_api.router,
    swaps_api.router,
    messages_api.router,
    posts_api.router,
    attendance_api.router,
    walkins_api.router,
    rollcall_api.router,
    cards_api.router,
    approvals_api.router,
    corrections_api.router,
    entries_api.router,
    rectifications_api.router,
    closings_api.router,
    devices_api.router,
    orders_menu_api.router,
    orders_figures_api.router,
    orders_board_api.router,
    orders_api.router,
    orders_details_api.router,
    reports_api.router,
    security_api.router,
    operators_api.router_of("recruitment"),
)
