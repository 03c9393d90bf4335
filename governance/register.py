"""The register: levers announce themselves here at start, and whoever has a question asks all of them.

Orders go by import, questions go by register: the checklist, the review and the door know no lever by name, so a
further lever is one new app and no edit elsewhere.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from governance import roles
from governance.errors import Invalid, NotFound
from governance.sections import Period, Section

if TYPE_CHECKING:
    from rest_framework.serializers import Serializer

    from governance.changes import Refused
    from governance.metrics import Gauge
    from governance.outbox import Kind


class Target(Protocol):
    """What an action changes: a row, saved or not, that can say how its controls stand."""

    def snapshot(self) -> dict[str, Any]:
        """Return the controls, JSON-ready, in the units that an operator sets."""


class Apply(Protocol):
    """How an action is carried out: by a service of its lever, which records the change itself."""

    def __call__(self, *, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
        """Return what the change made, or a ``Refused`` that left everything as it was."""


def says_nothing(_row: Any, _patch: Mapping[str, Any]) -> Sequence[str]:
    """Return no sentence: what changes says it all."""
    return ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A change that a lever offers to operators.

    ``name`` is the action's name in the trail (``risk.policy.set``) and ``label`` its name on a button. ``schema``
    validates the patch. ``target`` spells the target's name (ValueError where it cannot be one). ``lock`` returns the
    row, locked in the written order; actions that change one row share one ``lock``. ``loosens`` names the fields of a
    patch that loosen a control, given the same fields as they stand. ``refuses`` says beforehand why the change cannot
    be. ``divisible`` says whether the rest of a patch may be applied while its loosening half waits.

    For the console: ``noun`` says what the target is, and ``right`` what a person needs; ``sets`` are the controls
    that it sets by itself, beside the patch; ``effect`` says in sentences what a patch means for the row as it stands;
    ``urgent`` says that it stops something, so that it asks for nothing, not even a reason.
    """

    name: str
    label: str
    schema: type[Serializer[Any]]
    target: Callable[[str], str]
    lock: Callable[[str], Target]
    loosens: Callable[[Mapping[str, Any], Mapping[str, Any]], Collection[str]]
    apply: Apply
    refuses: Callable[[str, Mapping[str, Any], str], Refused | None] = lambda _target, _patch, _reason: None
    divisible: bool = False
    needs_reason: bool = False
    noun: str = "target"
    right: str = roles.OPERATE
    sets: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    effect: Callable[[Any, Mapping[str, Any]], Sequence[str]] = says_nothing
    urgent: bool = False

    def spell(self, target: str) -> str:
        """Return ``target`` in its one spelling; Invalid where it cannot be one."""
        try:
            return self.target(target)
        except ValueError as wrong:
            raise Invalid({"target": [str(wrong)]}) from None


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One line of the go-live checklist; a failing ``required`` one keeps production closed."""

    name: str
    ok: bool
    detail: str
    required: bool = True


class Remove(Protocol):
    """How old rows are removed: batch after batch, each noted in the trail in the transaction that removes it."""

    def __call__(self, *, actor: str, dry_run: bool) -> Iterator[Mapping[str, int]]:
        """Yield how many rows of what each batch removed; a dry run removes nothing, and yields what it would."""


@dataclasses.dataclass(frozen=True, slots=True)
class Retention:
    """Rows that a lever removes once they are old: of which ``table``, and ``remove``."""

    table: str
    remove: Remove


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """Work that is done again and again: what it is called, how long from start to start, and the work itself.

    ``run`` says in a sentence what it did; an exception is a failure. It may be stopped and started at any moment.
    """

    name: str
    every: dt.timedelta
    run: Callable[[], str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A row of some trail as the joined reading shows it: when, who, what, about what, with what outcome; its page."""

    at: dt.datetime
    actor: str
    what: str
    about: str
    outcome: str
    request_id: str
    correlation_id: str = ""
    href: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """A table of events that the sealer seals and the joined reading reads.

    ``columns`` are what a row's seal covers, by version: a seal names the version that it was made with, so a column
    that is added later comes with a further version and leaves what is sealed as it is.
    """

    model: type[Any]  # an AppendOnly with `at` and `actor`
    columns: Mapping[int, Sequence[str]]
    told: Callable[[Any], Told]

    @property
    def name(self) -> str:
        """Return the table's name."""
        return str(self.model._meta.db_table)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a lever stands in one word, at the head of every page of the console.

    ``tone`` is ``good``, ``warn``, ``bad`` or ``idle``. ``by``, ``at`` and ``reason`` say who made it so. ``head`` is
    the action that is offered on every page, with its short label; ``actions`` are those that make sense now.
    """

    word: str
    tone: str
    said: str
    by: str = ""
    at: dt.datetime | None = None
    reason: str = ""
    head: tuple[str, str] | None = None
    actions: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Alarm:
    """What needs a person, in a sentence: at once (``bad``), or soon (``warn``)."""

    said: str
    tone: str = "bad"


@dataclasses.dataclass(frozen=True, slots=True)
class Panel:
    """A lever's part of the control plane: a template, what it shows, and what needs a person.

    Its queries do not grow with the history.
    """

    template: str
    data: Mapping[str, Any]
    alarms: Sequence[Alarm] = ()

    @property
    def is_urgent(self) -> bool:
        """Say whether something needs a person at once."""
        return any(alarm.tone == "bad" for alarm in self.alarms)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConsolePage:
    """A page that a lever adds to the console.

    ``address`` is a route below ``/admin/`` and ``name`` its name in the admin's namespace. ``view`` is the dotted path
    of a ``governance.console.pages.Page``. With ``title`` it stands in the navigation, with ``icon`` beside it.
    """

    address: str
    name: str
    view: str
    title: str = ""
    icon: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """What a lever announces: its name (its app label), what it checks, reviews, offers and needs as seed rows.

    ``missing_seeds`` names the seed rows that are not there, ``restore_seeds`` puts them back and names what it put;
    with ``reset`` it also sets edited ones back to the seed's values. ``retentions`` say what it removes with age,
    ``ends`` lets what was loosened for a time go back where that is over, and names it,
    ``hears`` which facts (``governance.facts``) it hears. ``promotion`` is the Friday part of the review: what has
    earned more, and what other thresholds would have done.
    In the console ``status`` is one word on every page, ``panel`` a part of the control plane, ``pages`` its own pages.
    """

    name: str
    title: str
    checks: Callable[[], Iterable[Check]]
    review: Callable[[Period], Section]
    actions: Sequence[Action]
    missing_seeds: Callable[[], Sequence[str]] = list
    restore_seeds: Callable[..., Sequence[str]] = lambda **_asked: ()
    retentions: Sequence[Retention] = ()
    trails: Sequence[Trail] = ()
    ends: Callable[[], Sequence[str]] = tuple
    hears: Mapping[type, Callable[[Any], None]] = dataclasses.field(default_factory=dict)
    status: Callable[[], Status] | None = None
    panel: Callable[[], Panel] | None = None
    pages: Sequence[ConsolePage] = ()
    promotion: Callable[[Period], Section] | None = None
    jobs: Sequence[Job] = ()
    gauges: Callable[[], Iterable[Gauge]] = tuple
    beside: Callable[[str, Period], Iterable[Told]] = lambda _engine, _period: ()  # what befell an engine meanwhile
    tells: Sequence[Kind] = ()


_levers: dict[str, Lever] = {}
_own: dict[str, Action] = {}


def offer(actions: Iterable[Action]) -> None:
    """Enter the actions of the kernel itself; called from its ``AppConfig.ready``, before any lever's."""
    _own.update({action.name: action for action in actions})


def announce(lever: Lever) -> None:
    """Enter ``lever``; called from its ``AppConfig.ready``, where no query may run.

    ValueError where another lever offers an action of the same name: it would decide what loosens in its stead.
    """
    taken = _own.keys() | {
        action.name for other in _levers.values() if other.name != lever.name for action in other.actions
    }
    if twice := taken & {action.name for action in lever.actions}:
        raise ValueError(f"{lever.name} offers what another lever offers already: {', '.join(sorted(twice))}.")
    _levers[lever.name] = lever


def withdraw(name: str) -> None:
    """Take a lever out again (a lever that a test brought)."""
    _levers.pop(name, None)


def levers() -> list[Lever]:
    """Return the levers in the order in which they were announced."""
    return list(_levers.values())


def actions() -> dict[str, Action]:
    """Return the kernel's actions and every lever's, by name."""
    return _own | {action.name: action for lever in _levers.values() for action in lever.actions}


def action(name: str) -> Action:
    """Return the action called ``name``; NotFound where there is none."""
    if (found := actions().get(name)) is None:
        raise NotFound(f"No lever offers an action called {name!r}.")
    return found
