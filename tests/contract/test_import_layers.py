"""The import contracts in pyproject.toml hold, and each notices a planted import that breaks it."""

from copy import deepcopy
from typing import Any

import grimp
import pytest
from importlinter import api as importlinter
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract

KINDS: dict[str, Any] = {
    "acyclic_siblings": AcyclicSiblingsContract,
    "forbidden": ForbiddenContract,
    "independence": IndependenceContract,
    "layers": LayersContract,
}
CONFIGURED = importlinter.read_configuration("pyproject.toml")
CONTRACTS: dict[str, dict[str, Any]] = {one["id"]: one for one in CONFIGURED["contracts_options"]}
PLANTED = {
    "points-layers": ("services.points.rules.worth.domain", "services.points.ingest.handlers"),
    "points-above": ("services.points.badges.handlers", "services.points.teams.domain"),
    "ledger-alone": ("services.points.ledger.posting", "services.points.records.domain"),
    "one-valuation": ("services.points.activations.planning", "services.points.rules.worth.domain"),
    "no-cycles": ("services.points.bounds.handlers", "services.points.accounts.domain"),
    "services-apart": ("services.points.ingest.stream", "services.recruitment.attendance.events"),
    "shared-below": ("shared.timers", "services.points.settings"),
}
"""Contract → an import that it refuses: importer and imported."""
CIRCLES = {
    "services.notify": ("services.notify.preferences.api", "services.notify.inbox.api"),
    "services.operations": ("services.operations.events.store", "services.operations.topics.domain"),
    "services.points": ("services.points.bounds.handlers", "services.points.accounts.domain"),
    "services.recruitment": ("services.recruitment.memberships.leading", "services.recruitment.editing.handlers"),
    "services.web": ("services.web.gateway.sessions", "services.web.pages.visit"),
    "shared": ("shared.topics", "shared.kafka.client"),
}
"""Package → an import that closes a circle of its folders."""


@pytest.fixture(scope="module")
def graph() -> Any:
    return grimp.build_graph(*CONFIGURED["session_options"]["root_packages"], cache_dir=None)


def kept(graph: Any, contract: str) -> bool:
    """Whether a graph keeps a contract; what that ignores is removed from the graph."""
    options = CONTRACTS[contract]
    made = KINDS[options["type"]](options["name"], CONFIGURED["session_options"], options)
    made.validate()
    return bool(made.check(graph, verbose=False).kept)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_contract_is_kept(graph: Any, contract: str) -> None:
    assert kept(deepcopy(graph), contract)


@pytest.mark.parametrize("package", CIRCLES)
def test_a_planted_circle_is_noticed_in_each_package(graph: Any, package: str) -> None:
    importer, imported = CIRCLES[package]
    assert {importer, imported} <= graph.modules
    assert package in CONTRACTS["no-cycles"]["ancestors"]
    planted = deepcopy(graph)
    planted.add_import(importer=importer, imported=imported)
    assert not kept(planted, "no-cycles")


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_planted_import_breaks_it(graph: Any, contract: str) -> None:
    importer, imported = PLANTED[contract]
    assert {importer, imported} <= graph.modules
    planted = deepcopy(graph)
    planted.add_import(importer=importer, imported=imported)
    assert not kept(planted, contract)
