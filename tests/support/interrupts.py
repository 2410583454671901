"""Lets Ctrl-C during a test's setup end the session with the fixtures' ends, and not with pytest's own KeyError."""

import pytest
from _pytest.tmpdir import tmppath_result_key

__all__ = ["pytest_runtest_protocol"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Note that nothing of the test has ended yet: pytest does so after the setup alone, and `tmp_path` reads it."""
    item.stash.setdefault(tmppath_result_key, {})
