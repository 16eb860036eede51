"""For all tests: global state that a test leaves changed is a failure, and one hypothesis profile."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

from hetero_rsnn import cli

# More examples: pytest --hypothesis-profile thorough
settings.register_profile("house", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.register_profile("daily", deadline=None, max_examples=30)
settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """The daily run looks at fewer examples of each property than the whole run."""
    asked = config.getoption("--hypothesis-profile", default=None)
    if asked is None and config.getoption("-m") == "not slow":
        settings.load_profile("daily")


#: Files whose tests take a minute each: each goes alone to whatever process has time.
APART = ("test_random_equations.py",)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of a file stay in one process, as `--dist loadfile` has it, but for those of `APART`."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return nodeid if file.endswith(APART) else file

    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


#: What a test finds that is the first to import Brian2.
FRESH = {"brian2.prefs.codegen.target": "auto", "Brian2's device": "runtime", "brian2.defaultclock.dt": 1e-4}


def _brian() -> dict[str, Any]:
    """Brian2's global settings, if some test has imported it."""
    b2 = sys.modules.get("brian2")
    if b2 is None or not hasattr(b2, "get_device"):
        return dict(FRESH)
    devices = sys.modules["brian2.devices.device"].all_devices
    device = next(name for name, value in devices.items() if value is b2.get_device())
    dt = float(b2.defaultclock.dt) if device == "runtime" else FRESH["brian2.defaultclock.dt"]
    values = (b2.prefs.codegen.target, device, dt)
    return dict(zip(FRESH, values, strict=True))


def _restore_brian(settings: dict[str, Any]) -> None:
    b2 = sys.modules["brian2"]
    target, device, dt = settings.values()
    b2.set_device(device)
    b2.prefs.codegen.target = target
    b2.defaultclock.dt = dt * b2.second


def _figures() -> list[int]:
    plt = sys.modules.get("matplotlib.pyplot")
    return [] if plt is None else list(plt.get_fignums())


@pytest.fixture(scope="module", autouse=True)
def _what_is_loaded_is_not_searched_for_garbage() -> None:
    """Brian2 collects garbage twice in each run: among all modules and tests that takes longer than the run itself."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads gain nothing for matrices this small, and cost tenfold on a busy machine, where they wait spinning."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def threads() -> Iterator[None]:
    """For tests of who limits threads: two, as a user has them."""
    with threadpool_limits(2):
        yield


@pytest.fixture(autouse=True)
def _unchanged_global_state() -> Iterator[None]:
    """Fail a test that leaves global state changed, and put the state back for the next one."""
    random = np.random.get_state()  # noqa: NPY002 - to see that nobody touched it
    brian, figures = _brian(), _figures()
    yield
    changed: list[str] = []
    after = np.random.get_state()  # noqa: NPY002
    if not all(np.array_equal(a, b) for a, b in zip(random, after, strict=True)):
        changed.append("numpy's global random state")
        np.random.set_state(random)  # noqa: NPY002
    if different := [f"{k} ({brian[k]!r} -> {v!r})" for k, v in _brian().items() if v != brian[k]]:
        changed += different
        _restore_brian(brian)
    if left := [number for number in _figures() if number not in figures]:
        changed.append(f"{len(left)} open matplotlib figures")
        for number in left:
            sys.modules["matplotlib.pyplot"].close(number)
    if changed:
        pytest.fail(f"the test left global state changed: {'; '.join(changed)}", pytrace=False)


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Call the command line in an empty folder; return exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["hetero-rsnn", *words])
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


@pytest.fixture(scope="module")
def chromium(tmp_path_factory) -> Iterator[Any]:
    """A browser that a test drives; skips where there is none."""
    import browser

    if browser.PROGRAM is None:
        pytest.skip("no Chromium")
    with browser.browser(tmp_path_factory.mktemp("browser") / "profile") as page:
        yield page


@pytest.fixture
def interpreted() -> Iterator[None]:
    """A script of one's own chooses Brian2's target; here the one that does not compile for tens of seconds."""
    import brian2 as b2

    old = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    yield
    b2.prefs.codegen.target = old
