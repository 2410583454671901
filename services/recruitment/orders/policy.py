"""The policy of orders as the settings fill it."""

from services.recruitment.orders.terms.domain import OrderPolicy
from services.recruitment.settings import RecruitmentSettings

__all__ = ["policy_of"]


def policy_of(settings: RecruitmentSettings) -> OrderPolicy:
    """The deadlines and bounds that the settings name."""
    return OrderPolicy(
        review_working_days=settings.order_review_working_days,
        answer_days=settings.order_answer_days,
        offer_working_days=settings.order_offer_working_days,
        dispatch_working_days=settings.order_dispatch_working_days,
        accept_days=settings.order_accept_days,
        completion_days=settings.order_completion_days,
        rating_days=settings.order_rating_days,
        most_declines=settings.order_most_declines,
        frail_people=settings.order_frail_people,
    )
