import pytest

pytest.register_assert_rewrite("tests.simulation.checked", "tests.simulation.walk")
