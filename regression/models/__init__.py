"""The tables of the tripwires. Django finds models here, so this package alone names what its modules hold."""

from regression.models.events import KpiEvent, RegressionGap
from regression.models.keys import KpiBatch
from regression.models.policies import RegressionBaseline, RegressionPolicy
from regression.models.tripwires import RegressionIncident, RegressionState

__all__ = [
    "KpiBatch", "KpiEvent", "RegressionBaseline", "RegressionGap", "RegressionIncident", "RegressionPolicy",
    "RegressionState",
]  # fmt: skip
