"""(c) The gate: a view that does nothing, bare, behind the two middlewares, and behind waffle's uncached switch."""

from __future__ import annotations

from bench import load
from bench.load import Call
from bench.report import Part, Target
from bench.rounds import interleaved
from bench.stage import ENGINE, Stage

INSERT = Call(path="/api/governance/bench/insert", body={"engine": ENGINE, "amount": 1, "actor": "bench"})
CALLS = {
    "nothing": Call(path="/bench/nothing"),
    "nothing, behind the gate": Call(path="/bench/gated"),
    "nothing, behind waffle's switch": Call(path="/bench/switched"),
    "insert one row": INSERT,
}


def measure(stage: Stage) -> Part:
    """Compare them on a server without any other middleware."""
    from waffle.models import Switch  # noqa: PLC0415 -- Django must be set up first

    Switch.objects.update_or_create(name="go-live", defaults={"active": True})
    with stage.serving(BENCH_BARE="1") as served:
        measured = interleaved({name: lambda call=call: load.on(stage, served, call) for name, call in CALLS.items()})
    nothing, gated, switched, insert = CALLS
    shares = [
        (behind["worker CPU"] - bare["worker CPU"]) / row["worker CPU"]
        for bare, behind, row in zip(*(measured.rounds[name] for name in (nothing, gated, insert)), strict=True)
    ]
    share = sorted(shares)[len(shares) // 2]
    rows = [
        [
            name,
            f"{measured.median(name, 'rate'):.0f}",
            f"{measured.median(name, 'worker CPU'):.3f}",
            f"{measured.median(name, 'database CPU'):.3f}",
            f"{measured.ratio(name, nothing, 'rate'):.2f}",
        ]
        for name in CALLS
    ]
    return Part(
        "(c) The gate",
        ["a view that does", "answers/s", "worker CPU, ms", "database CPU, ms", "rate to the bare one's"],
        rows,
        [
            Target("the gate's CPU to that of the bare insert view", share, 1 / 6, most=True),
            Target("the gate's rate to that of waffle's uncached switch", measured.ratio(gated, switched, "rate"), 1),
        ],
    )
