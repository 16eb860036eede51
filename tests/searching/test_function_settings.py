"""Settings: searched numbers that are no part of the network, and reach the function of a search beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from landscapes import peak, tuned, tuned_peak, untuned
from numpy.testing import assert_allclose

import hetero_rsnn as hr
from hetero_rsnn.common.errors import JournalError, SearchError, SpaceError
from hetero_rsnn.jobs.journal import read_journal
from hetero_rsnn.network.distributions import Constant
from hetero_rsnn.network.homogeneous import homogeneous
from hetero_rsnn.searching.result import SearchResult
from hetero_rsnn.searching.space import Space, load_space
from hetero_rsnn.searching.wasserstein import wasserstein_matern

SETTINGS = """
[scalars.outer]
as = "setting"
range = [0.2, 2.0]
scale = "log"
[scalars.pause]
as = "setting"
range = ["2 ms", "0.02 s"]
"""
SMALL = f"""
base = "henhes"
[parameters.tau_m]
mean = ["10 ms", "60 ms"]
cv = [0.0, 1.2]
{SETTINGS}
[search]
budget = 8
initial = 4
batch = 2
seeds = 2
"""
#: Of spaces that were there before settings were.
FINGERPRINTS = {"paper": "b2f4a087905c65e3", "homogeneous": "30c71f645288c748", "quick": "1d3977b76762b8bd"}
#: Settings at the middle of their ranges.
MIDDLE = {"outer": pytest.approx(math.sqrt(0.4)), "pause": pytest.approx(11.0)}


def written(path: Path, text: str) -> Space:
    path.write_text(text, encoding="utf-8")
    return load_space(path)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Space:
    return written(tmp_path_factory.mktemp("space") / "small.toml", SMALL)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Space:
    """Nothing of the network is searched."""
    return written(tmp_path_factory.mktemp("space") / "alone.toml", f"base = 'henhes'\n{SETTINGS}")


def timeless(path: Path) -> list[Any]:
    return [{k: v for k, v in e.items() if k not in ("seconds", "crc")} for e in read_journal(path)]


# The space


def test_a_point_is_a_network_and_settings(space: Space) -> None:
    point = (30.0, 0.5, 0.7, 5.0)
    assert [(d.name, d.low, d.high, d.log, d.unit) for d in space.dimensions[2:]] == [
        ("outer", 0.2, 2.0, True, "1"),
        ("pause", 2.0, pytest.approx(20.0), False, "second"),
    ]
    assert space.settings(point) == {"outer": 0.7, "pause": 5.0}
    assert space.network(point) == space.base.replace(**{"tau_m.mean": "30 ms", "tau_m.cv": 0.5})
    assert space.network(point) == space.network((30.0, 0.5, 2.0, 20.0))
    assert space.distributions(point)["pause"] == Constant(5.0)
    with pytest.raises(SpaceError, match=r"outer must be in \[0.2, 2\], got 3"):
        space.settings((30.0, 0.5, 3.0, 5.0))
    assert load_space("quick").settings(load_space("quick").default) == {} and not load_space("quick").has_settings


def test_the_base_says_nothing_of_settings(space: Space) -> None:
    assert space.settings(space.default) == MIDDLE
    here = space.point(space.network((30.0, 0.5, 0.7, 5.0)))
    assert here[:2] == pytest.approx((30.0, 0.5)) and space.settings(here) == MIDDLE


def test_the_text_of_a_space_says_what_settings_are(space: Space) -> None:
    text = str(space)
    assert "outer: a setting of the function (base: the middle of its range)" in text
    row = next(line for line in text.splitlines() if line.startswith("pause  "))
    assert row.split() == ["pause", "2", "ms", "20", "ms", "linear", "11", "ms"]


def test_json_there_and_back(space: Space) -> None:
    back = Space.from_dict(json.loads(json.dumps(space.to_dict())))
    assert back == space and back.fingerprint == space.fingerprint and back.settings(back.default) == MIDDLE


def test_a_fixed_setting_is_handed_on(tmp_path: Path) -> None:
    space = written(
        tmp_path / "s.toml", f"base = 'henhes'\n{SETTINGS}[scalars.inner]\nas = 'setting'\nrange = '3 ms'\n"
    )
    assert len(space.dimensions) == 2 and space.settings(space.default) == {**MIDDLE, "inner": 3.0}
    assert "inner: a setting of the function (3 ms)" in str(space)


def test_numbers_of_numpy_are_numbers(space: Space) -> None:
    def of(*ends: Any) -> Space:
        return Space.from_dict({"base": space.base.to_dict(), "scalars": {"k": {"as": "setting", "range": list(ends)}}})

    for one in (of(np.float32(1), np.float64(2)), of(np.int64(1), np.int32(2))):
        assert one == of(1.0, 2.0) and Space.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_fingerprints_of_spaces_without_settings_stay() -> None:
    """Written before there were settings: journals of these spaces must still be resumed."""
    assert {name: load_space(name).fingerprint for name in ("paper", "homogeneous", "quick")} == FINGERPRINTS


def test_fingerprint_is_of_settings_too(space: Space, tmp_path: Path) -> None:
    other = written(tmp_path / "s.toml", SMALL.replace("0.2, 2.0", "0.2, 1.9"))
    assert other.fingerprint != space.fingerprint


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("[scalars.x]\nrange = [1, 2]\ntargets = ['w_max']", "remove targets, or set as = 'value'"),
        ("[scalars.x]\nrange = [1, 2]\nunit = 'ms'", "unknown key 'unit'"),
        ("[scalars.x]", "lacks the key 'range'"),
        ("[scalars.x]\nrange = [2, 1]", "low < high"),
        ("[scalars.x]\nrange = [1, 2, 3]", r"must be \[low, high\]"),
        ("[scalars.x]\nrange = [1, '2 ms']", "range must have one unit"),
        ("[scalars.x]\nrange = ['1 ms', '2 mV']", "range must have one unit"),
        ("[scalars.x]\nrange = ['1 ms', 'soon']", r"^\[scalars.x\].range must be a number with its unit, got 'soon'"),
        ("[scalars.x]\nrange = [0, 1]\nscale = 'log'", "must be > 0 on a logarithmic scale"),
        ("[scalars.x]\nrange = [0, inf]", "must be finite"),
        ("[scalars.'learning rate']\nrange = [1, 2]", "a function takes no argument 'learning rate'"),
        ("[scalars.lambda]\nrange = [1, 2]", "a function takes no argument 'lambda'"),
        ("[scalars.seed]\nrange = [1, 2]", "has a 'seed' of its own"),
        ("[scalars.C]\nrange = [1, 2]", "has a 'C' of its own"),
    ],
)
def test_settings_refused(tmp_path: Path, table: str, words: str) -> None:
    path = tmp_path / "s.toml"
    with pytest.raises(SpaceError, match=words) as caught:
        written(path, f"base = 'henhes'\n{table}\nas = 'setting'\n")
    assert "\n" not in str(caught.value) and "s.toml" in str(caught.value)


def test_the_kernel_takes_a_setting_as_the_scalar_it_is(space: Space) -> None:
    """Along a setting the distance is that of its coordinate, logarithmic where its scale is."""
    kernel = wasserstein_matern(space)
    assert kernel.features.groups[1:] == ("outer", "pause")
    z = np.array([space.unit((30.0, 0.5, outer, 5.0)) for outer in (0.2, math.sqrt(0.4), 2.0)])
    s = math.sqrt(5) * np.array([0.0, 0.5, 1.0])
    assert_allclose(kernel(z)[0], (1 + s + s**2 / 3) * np.exp(-s), rtol=1e-12)


# The search


def test_the_best_settings_are_found(alone: Space) -> None:
    r = hr.search_function(tuned, alone, budget=20, initial=8, batch=2, seeds=2)
    assert r.best is not None and r.best_evaluation is not None
    assert pytest.approx(20.0, rel=0.03) == r.best_evaluation.E
    assert r.best.point["outer"] == pytest.approx(0.6, rel=0.15) and r.best.point["pause"] == pytest.approx(8, abs=2)
    chance = hr.search_function(tuned, alone, budget=20, initial=8, batch=2, seeds=2, method="random")
    assert chance.convergence[-1] < r.convergence[-1]


def test_every_measurement_gets_its_own_settings(space: Space) -> None:
    """Trials those of their point, the reference those of the default; on fresh seeds the same again."""
    seen: list[tuple[str, int, tuple[float, float]]] = []

    def watched(network: hr.Network, seed: int, *, outer: float, pause: float) -> dict[str, float]:
        seen.append((network.fingerprint, seed, (outer, pause)))
        return tuned_peak(network, seed, outer=outer, pause=pause)

    r = hr.search_function(watched, space, remeasure=2, fresh_seeds=[7], workers=1)
    reference = (homogeneous(space.base).fingerprint, tuple(space.settings(space.default).values()))
    wanted = [(reference[0], seed, reference[1]) for seed in (0, 1, 7)]
    for t in r.trials:
        seeds = (0, 1, 7) if t.number in r.remeasured else (0, 1)
        wanted += [(space.network(t.values).fingerprint, seed, t.values[2:]) for seed in seeds]
    assert sorted(seen) == sorted(wanted) and len(r.remeasured) == 2  # type: ignore[type-var]


@pytest.mark.slow
def test_processes_get_the_settings(space: Space, tmp_path: Path) -> None:
    for workers in (1, 2):
        hr.search_function(tuned_peak, space, journal=tmp_path / f"{workers}", workers=workers)
    assert timeless(tmp_path / "1") == timeless(tmp_path / "2")


@pytest.mark.slow
def test_trials_that_hang_raise_or_exit_by_their_settings(space: Space) -> None:
    """The reference, in the middle, is well."""
    r = hr.search_function(untuned, space, workers=2, trial_timeout=10, budget=4, seeds=1, remeasure=0)
    ends = [(t.point["outer"] > 1.2, t.point["pause"] > 16, t.point["outer"] < 0.3) for t in r.trials]
    assert ends == [(False, False, False), (True, False, False), (False, True, False), (False, False, True)]
    assert [t.kind for t in r.trials] == [None, "killed", "timeout", "raised"]
    assert f"outer = {r.trials[3].point['outer']:.2f} is too small" in str(r.trials[3].error)


def test_cut_off_and_resumed(space: Space, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    r = hr.search_function(tuned_peak, space, journal=whole, remeasure=2)
    assert hr.search_function(tuned_peak, space, remeasure=2).trials == r.trials
    lines = whole.read_bytes().splitlines(keepends=True)
    for count in range(1, len(lines) + 1, 4):
        torn = lines[count][: len(lines[count]) // 2] if count < len(lines) else b""
        path = tmp_path / f"cut-{count}"
        path.write_bytes(b"".join(lines[:count]) + torn)
        back = hr.search_function(tuned_peak, space, journal=path, resume=True)
        assert timeless(path) == timeless(whole), count
        assert back.trials == r.trials and back.remeasured == r.remeasured


def test_a_search_is_not_resumed_with_another_partial_function(space: Space, tmp_path: Path) -> None:
    path = tmp_path / "j"
    how: dict[str, Any] = {"budget": 4, "initial": 4, "seeds": 1, "remeasure": 0}
    hr.search_function(partial(tuned_peak), space, journal=path, **how)
    with pytest.raises(JournalError, match=r"functools.partial\(landscapes.tuned_peak\).*, not"):
        hr.search_function(partial(tuned), space, journal=path, resume=True, budget=5)
    r = hr.search_function(partial(tuned_peak), space, journal=path, resume=True, budget=5)
    assert len(r.trials) == 5


# What it finds, shown


@pytest.fixture(scope="module")
def result(space: Space, tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    path = tmp_path_factory.mktemp("result") / "j.jsonl"
    hr.search_function(tuned_peak, space, journal=path)
    return SearchResult.from_journal(path)


def test_tables_and_text(result: SearchResult) -> None:
    rows = result.table()
    assert all(row["outer"] == t.point["outer"] for row, t in zip(rows, result.trials, strict=True))
    text = str(result)
    assert "homogeneous reference, with outer = 0.6325, pause = 11 ms: " in text
    assert f"  pause = {result.best.point['pause']:.4g} ms" in text  # type: ignore[union-attr]
    assert "pause (ms)" in result._repr_html_()


def test_no_setting_is_named_like_a_column(result: SearchResult) -> None:
    own = set(result.table()[0]) - {d.name for d in result.space.dimensions}
    for name in own:
        with pytest.raises(SpaceError, match=f"has a '{name}' of its own"):
            Space.from_dict(
                {"base": result.space.base.to_dict(), "scalars": {name: {"as": "setting", "range": [1, 2]}}}
            )


def test_the_best_network_is_exported_without_them(result: SearchResult, tmp_path: Path) -> None:
    assert result.best is not None
    hr.save_network(result.best_network, tmp_path / "best.toml")
    back = hr.load_network(tmp_path / "best.toml")
    assert back == result.best_network and back == result.space.network(result.best.values)
    outer, pause = result.best.values[2:]
    assert back.description.endswith(f"measured with outer = {outer:.4g}, pause = {pause:.4g} ms")


def test_figures_and_the_page(result: SearchResult, tmp_path: Path) -> None:
    from hetero_rsnn.plots.search_panels import plot_partial_dependence, plot_searched_distribution
    from hetero_rsnn.plots.search_plots import search_figure
    from hetero_rsnn.report.search_page import html

    ax = plot_searched_distribution(result, "pause")
    assert ax.get_xlabel() == "pause (ms) (setting)"
    values = {line.get_label(): line.get_xdata()[0] for line in ax.lines}  # type: ignore[index]
    assert values == {"base": pytest.approx(11.0), "best": result.best.point["pause"]}  # type: ignore[union-attr]
    curve = plot_partial_dependence(result, "outer").lines[1]
    assert_allclose(np.asarray(curve.get_xdata())[[0, -1]], [0.2, 2.0])
    search_figure(result).savefig(tmp_path / "page.png", dpi=30)
    page = html(result)
    assert "Settings are no part of the network" in page and "outer = 0.6325, pause = 11 ms" in page


# Refusals


def test_networks_alone_take_no_settings(space: Space, tmp_path: Path) -> None:
    with pytest.raises(SearchError, match=r"has settings, outer, pause, and .* use search_function") as caught:
        hr.search(space, journal=tmp_path / "j")
    assert "\n" not in str(caught.value) and not (tmp_path / "j").exists()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (peak, r"takes \(network: 'Network', seed: 'int'\).*unexpected keyword argument 'outer'"),
        (lambda network, seed, outer: {}, "unexpected keyword argument 'pause'"),
        (lambda network, seed, outer, pause, rate: {}, "missing a required argument: 'rate'"),
    ],
)
def test_a_function_that_does_not_take_them(
    space: Space, tmp_path: Path, function: Callable[..., Any], words: str
) -> None:
    with pytest.raises(SearchError, match=words):
        hr.search_function(function, space, journal=tmp_path / "j")
    assert not (tmp_path / "j").exists()
