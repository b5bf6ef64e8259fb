"""One cause fires one alert, however much else goes wrong with it: as a relay of two listeners shows it."""

import pytest

from tests.alerting import case, fire
from tests.long import long_after

#: Samples of ten seconds: all is well for five minutes, then something fails for 20.
BEFORE, DURING = 30, 120
WORKER, LEADER, STANDBY = (
    'job="relay",instance="w"',
    'job="relay-listener",instance="l"',
    'job="relay-listener",instance="s"',
)
LISTENERS = (LEADER, STANDBY)
EVERYBODY = (WORKER, *LISTENERS)


def steady(before: float, during: float) -> str:
    """A gauge that goes over to another value."""
    return f"{before}x{BEFORE} {during}x{DURING}"


def growing(step: float, before: float = 0) -> str:
    """What grows while something fails."""
    return f"{before}x{BEFORE} {before}+{step}x{DURING}"


def well() -> dict[str, str]:
    """All series of a relay that is well, in promtool's notation."""
    series = {}
    for who in EVERYBODY:
        series |= {
            f"up{{{who}}}": steady(1, 1),
            f"relay_redis_errors_total{{{who}}}": steady(0, 0),
            f'relay_feed_state{{{who},state="live"}}': steady(1, 1),
            f'relay_feed_state{{{who},state="down"}}': steady(0, 0),
            f"relay_feed_simulated{{{who}}}": steady(0, 0),
            f'relay_data_age_seconds{{{who},hop="exchange"}}': steady(1, 1),
            f"relay_leading{{{who}}}": steady(*(2 * [int(who == LEADER)])),
            f"relay_standbys{{{who}}}": steady(*(2 * [int(who != STANDBY)])),
            f"relay_history_degraded{{{who}}}": steady(0, 0),
            f"relay_loop_lag_seconds{{{who}}}": steady(0, 0),
            f'relay_processes{{{who},role="{"worker" if who == WORKER else "listener"}"}}': steady(
                1, 1
            ),
        }
        for cause in ("silent", "late", "refused"):
            series[f'relay_reconnects_total{{{who},cause="{cause}"}}'] = steady(0, 0)
    series[f'relay_data_age_seconds{{{WORKER},hop="listener"}}'] = steady(1, 1)
    series[f"relay_foreign_messages_total{{{WORKER}}}"] = steady(0, 0)
    return series


def vanished(who: str) -> dict[str, str]:
    """All series of a process that was stopped."""
    return {name: f"{v.split()[0]} stale" for name, v in well().items() if who in name}


def named(name: str, of: tuple[str, ...], values: str, *more: str) -> dict[str, str]:
    """The series of this name of some processes."""
    return {f"{name}{{{','.join([who, *more])}}}": values for who in of}


def unheard() -> dict[str, str]:
    """How workers fare that hear no listener."""
    return (
        named("relay_data_age_seconds", (WORKER,), growing(10), 'hop="listener"')
        | named("relay_data_age_seconds", (WORKER,), growing(10), 'hop="exchange"')
        | named("relay_feed_state", (WORKER,), steady(0, 1), 'state="down"')
        | named("relay_standbys", (WORKER,), steady(1, 0))
    )


def no_prices(cause: str, step: float) -> dict[str, str]:
    """How all fare where the exchange gives none, with attempts that fail so."""
    return (
        named("relay_data_age_seconds", EVERYBODY, growing(10), 'hop="exchange"')
        | named("relay_feed_state", EVERYBODY, steady(0, 1), 'state="down"')
        | named("relay_reconnects_total", LISTENERS, growing(step), f'cause="{cause}"')
    )


REFUSED = (
    named("relay_redis_errors_total", LISTENERS, growing(30))
    | named("relay_leading", LISTENERS, steady(0, 0))
    | {f"relay_leading{{{LEADER}}}": steady(1, 0)}
    | named("relay_history_degraded", EVERYBODY, steady(0, 1))
)
KILLED = vanished(LEADER) | vanished(STANDBY) | named("up", LISTENERS, steady(1, 0))
CAUSES: dict[str, tuple[dict[str, str], str]] = {
    "Redis is away": (REFUSED | unheard() | named("relay_redis_errors_total", (WORKER,), growing(50)),
                      "RelayRedisErrors"),
    "Redis takes no writes": (
        REFUSED
        | named("relay_data_age_seconds", (WORKER,), growing(10), 'hop="exchange"')
        | named("relay_feed_state", (WORKER,), steady(0, 1), 'state="down"'),
        "RelayRedisErrors",
    ),
    "the exchange is silent": (no_prices("silent", 1), "RelayFeedSilent"),
    "the exchange is silent, and the limit is long": (
        named("relay_data_age_seconds", EVERYBODY, growing(10), 'hop="exchange"'),
        "RelayFeedSilent",
    ),
    "the exchange refuses": (no_prices("refused", 0.1), "RelayFeedDown"),
    "the exchange cannot be reached, nor can its REST": (
        no_prices("late", 1) | named("relay_history_degraded", EVERYBODY, steady(0, 1)),
        "RelayFeedDown",
    ),
    "the exchange cannot be reached, and the simulator stands in": (
        named("relay_feed_simulated", EVERYBODY, steady(0, 1))
        | named("relay_reconnects_total", LISTENERS, growing(1), 'cause="late"'),
        "RelaySimulated",
    ),
    "all listeners are gone": (KILLED | unheard(), "RelayListenerGone"),
    "the listener's secret is another one": (
        unheard() | named("relay_foreign_messages_total", (WORKER,), growing(10)),
        "RelayListenerGone",
    ),
    "two write": (named("relay_leading", (STANDBY,), steady(0, 1)), "RelayNobodyLeads"),
    "the standby was stopped for good": (
        vanished(STANDBY)
        | named("relay_standbys", (WORKER, LEADER), steady(1, 0)),
        "RelayNoStandby",
    ),
    "a worker has too much to do": (
        named("relay_publish_to_write_seconds_bucket", (WORKER,), growing(10), 'le="1.0"')
        | named("relay_publish_to_write_seconds_bucket", (WORKER,), growing(20), 'le="2.5"')
        | named("relay_publish_to_write_seconds_bucket", (WORKER,), growing(20), 'le="+Inf"')
        | named("relay_loop_lag_seconds", (WORKER,), steady(0, 0.5))
        | named("relay_behind", (WORKER,), steady(0, 500))
        | named("relay_streams", (WORKER,), steady(1000, 1000)),
        "RelayWorkerBehind",
    ),
    "clients take nothing": (
        named("relay_behind", (WORKER,), steady(0, 500))
        | named("relay_streams", (WORKER,), steady(1000, 1000))
        | named("relay_cut_total", (WORKER,), growing(20), 'reason="stall"'),
        "RelayClientsCut",
    ),
    "the exchange's REST fails": (
        named("relay_history_degraded", EVERYBODY, steady(0, 1)),
        "RelayHistoryDegraded",
    ),
}  # fmt: skip


@pytest.mark.parametrize("cause", long_after(5, CAUSES))
def test_one_cause_fires_one_alert(cause: str) -> None:
    changed, alert = CAUSES[cause]
    series = well() | changed
    fire([case(series, 4, []), case(series, 20, [alert])])


def test_a_listener_that_dies_beside_a_standby_is_one_that_cannot_be_scraped() -> None:
    series = well() | vanished(LEADER)
    series |= named("up", (LEADER,), steady(1, 0))
    series |= named("relay_leading", (STANDBY,), steady(0, 1))
    series |= named("relay_standbys", (WORKER, STANDBY), steady(1, 0))
    fire([case(series, 20, ["RelayProcessGone"], {"job": "relay-listener", "instance": "l"})])


def test_a_worker_that_cannot_be_scraped_says_nothing_of_the_feed() -> None:
    series = well() | vanished(WORKER)
    series |= named("up", (WORKER,), steady(1, 0))
    fire([case(series, 20, ["RelayProcessGone"], {"job": "relay", "instance": "w"})])


def test_what_an_outage_left_behind_fires_nothing_after_it() -> None:
    """Counters go on telling of it for as long as they are looked back over."""
    series = {
        name: values.replace(f"x{DURING}", "x30") + f" {values.split(' ')[0].split('x')[0]}x60"
        for name, values in (well() | no_prices("silent", 1)).items()
    }
    for who in LISTENERS:
        name = f'relay_reconnects_total{{{who},cause="silent"}}'
        series[name] = f"0x{BEFORE} 0+1x30 30x60"
    fire([case(series, 9, ["RelayFeedSilent"]), case(series, 13, [])])


def test_in_process_nobody_stands_by_and_that_is_no_failure() -> None:
    series = {
        name.replace(LEADER, WORKER): values for name, values in well().items() if LEADER in name
    }
    role = f"relay_processes{{{WORKER},role="
    series = {name.replace('role="listener"', 'role="worker"'): v for name, v in series.items()}
    assert any(name.startswith(role) for name in series)
    series |= named("relay_standbys", (WORKER,), steady(0, 0))
    fire([case(series, 20, [])])
