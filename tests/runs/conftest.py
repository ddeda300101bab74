"""What several tests of runs begin with."""

from collections.abc import Iterator

import pytest
from flask import Flask

from scheduler import config


@pytest.fixture
def handed_over(app: Flask) -> Iterator[None]:
    """Workers perform the attempts."""
    now = config.settings()
    config.use(now.model_copy(update={"engine": now.engine.model_copy(update={"type": "celery"})}))
    yield
    config.use(now)
