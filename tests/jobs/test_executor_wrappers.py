"""The wrappers that the page on scaling shows, around stand-ins for programs that need not be installed."""

from __future__ import annotations

import concurrent.futures as cf
import math
import pickle
import re
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers import ROOT, refused

from hetero_rsnn.jobs.executors import make_runner

TEXT = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
#: The classes alone: what follows them asks for a cluster.
CLASSES = [code for code in re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL) if "\nclass " in code]


class _Far:
    """Somewhere else: takes what was pickled there, and works in threads of its own."""

    def __init__(self) -> None:
        self.pool = cf.ThreadPoolExecutor(4)
        self.most = self.now = 0
        self.lock = threading.Lock()

    def send(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> cf.Future[Any]:
        data = pickle.dumps((function, args, kwargs))
        return self.pool.submit(self.work, data)

    def work(self, data: bytes) -> Any:
        function, args, kwargs = pickle.loads(data)
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            return pickle.loads(pickle.dumps(function(*args, **kwargs)))
        finally:
            with self.lock:
                self.now -= 1


def _ray(far: _Far) -> types.ModuleType:
    """``ray.remote(f).remote(x)`` is a reference, whose ``future()`` is one of concurrent.futures."""

    class Reference:
        def __init__(self, future: cf.Future[Any]) -> None:
            self.future = lambda: future

    class Function:
        def __init__(self, function: Callable[..., Any]) -> None:
            self.function = function

        def remote(self, *args: Any, **kwargs: Any) -> Reference:
            return Reference(far.send(self.function, args, kwargs))

    module = types.ModuleType("ray")
    module.remote = Function  # type: ignore[attr-defined]
    return module


class _Slurm:
    """An executor of submitit: ``submit(f, x)`` is a job with a ``result()``, and no future."""

    def __init__(self, far: _Far) -> None:
        self.far = far

    def submit(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        future = self.far.send(function, args, kwargs)
        return types.SimpleNamespace(result=lambda: future.result())


@pytest.fixture
def far() -> Iterator[_Far]:
    far = _Far()
    yield far
    far.pool.shutdown()


@pytest.fixture(params=["Ray", "Submitit"])
def executor(request: pytest.FixtureRequest, far: _Far, monkeypatch: pytest.MonkeyPatch) -> Iterator[cf.Executor]:
    monkeypatch.setitem(sys.modules, "ray", _ray(far))
    monkeypatch.setitem(sys.modules, "submitit", types.ModuleType("submitit"))
    names: dict[str, Any] = {"__name__": "page"}
    (code,) = (code for code in CLASSES if f"class {request.param}(" in code)
    exec(compile(code, "docs/scaling.md", "exec"), names)
    if request.param == "Ray":
        yield names["Ray"]()
        return
    made = names["Submitit"](_Slurm(far), 2)
    yield made
    made.threads.shutdown()


def test_values_errors_and_order(executor: cf.Executor, far: _Far) -> None:
    with make_runner(workers=2, executor=executor) as runner:
        found = list(runner.run(math.factorial, [5, 3, -1, *range(20)]))
        assert [o.value for o in found] == [120, 6, None, *map(math.factorial, range(20))]
        assert [o.kind for o in found] == ["ok", "ok", "raised"] + ["ok"] * 20
        assert found[2].error is not None and "factorial() not defined for negative" in found[2].error
        again = [o.value for o in runner.run(math.factorial, [4])]
    assert again == [24] and 1 <= far.most <= 2


def test_an_object_that_is_no_executor_is_refused(far: _Far) -> None:
    refused(lambda: make_runner(executor=_Slurm(far)), "must be a concurrent.futures.Executor, got _Slurm")


def test_both_wrappers_are_short() -> None:
    """Five lines, without the imports."""
    assert len(CLASSES) == 2
    for code in CLASSES:
        lines = code[code.index("class ") :].strip().splitlines()
        assert len([line for line in lines if line.strip()]) <= 5
