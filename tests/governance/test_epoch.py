from __future__ import annotations

import pytest

from governance import epoch
from governance.errors import Unavailable
from governance.models import Epoch

pytestmark = pytest.mark.django_db


def test_it_grows_by_one_with_every_change() -> None:
    start = epoch.current()
    assert [epoch.advance(), epoch.advance(), epoch.current()] == [start + 1, start + 2, start + 2]


def test_without_its_row_nobody_can_decide() -> None:
    Epoch.objects.all().delete()
    for ask in (epoch.advance, epoch.current):
        with pytest.raises(Unavailable, match="The epoch's row is missing"):
            ask()
