"""Dependencies of requests that the composition root provides."""

from typing import Annotated

from fastapi import Depends, Request

from services.points.ingest.handlers import Policy

__all__ = ["PolicyInForce"]


async def _policy(request: Request) -> Policy:
    policy: Policy = request.app.state.policy
    return policy


PolicyInForce = Annotated[Policy, Depends(_policy)]
