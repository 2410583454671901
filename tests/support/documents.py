"""Versioned documents from text, for tests: what they hold is theirs, the reader is the service's."""

from pathlib import Path

from services.points.badges.documents import CriteriaDocument
from services.points.integrity.documents import ThresholdDocument
from services.points.rules import documents as rules
from services.points.rules.documents import RuleDocument
from services.points.teams.documents import TeamCriteriaDocument
from services.points.versions.documents import parse

__all__ = ["RULE_EXAMPLES", "criteria_from", "rule_from", "team_criteria_from", "thresholds_from"]

RULE_EXAMPLES: Path = rules.VERSIONS.with_name("examples")


def rule_from(text: str, where: str = "rule") -> RuleDocument:
    """A rule from YAML.

    Raises:
        PermanentError: it is not YAML or not a rule, with the line and the path of each bad field.
    """
    return parse(RuleDocument, text, where)


def criteria_from(text: str) -> CriteriaDocument:
    """Criteria of volunteers' badges from YAML; raises as `rule_from`."""
    return parse(CriteriaDocument, text, "criteria")


def team_criteria_from(text: str) -> TeamCriteriaDocument:
    """Criteria of teams' badges from YAML; raises as `rule_from`."""
    return parse(TeamCriteriaDocument, text, "team criteria")


def thresholds_from(text: str) -> ThresholdDocument:
    """Thresholds of integrity from YAML; raises as `rule_from`."""
    return parse(ThresholdDocument, text, "thresholds")
