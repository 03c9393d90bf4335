import pytest

pytest.register_assert_rewrite("tests.riskguard.asking", "tests.riskguard.racing")
