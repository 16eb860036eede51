"""What a user may choose of a search is listed once: everybody who takes it takes the same."""

from __future__ import annotations

import inspect
from dataclasses import fields

import typer.main
from helpers import refused

import hetero_rsnn as hr
from hetero_rsnn.cli import app
from hetero_rsnn.searching.options import SearchOptions
from hetero_rsnn.searching.settings import Settings

NAMES = [f.name for f in fields(SearchOptions)]


def test_the_function_takes_them_all_with_the_same_defaults():
    parameters = dict(inspect.signature(hr.search).parameters)
    assert parameters.pop("space").kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert sorted(parameters) == sorted(NAMES)
    assert {k: p.default for k, p in parameters.items()} == {f.name: f.default for f in fields(SearchOptions)}
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters.values())


def test_the_command_takes_what_a_shell_can_say():
    command = typer.main.get_command(app).commands["search"]
    asked = {p.name for p in command.params} - {"space", "overrides"}
    of_tasks = {"task", "folds", "horizon", "label", "sample", "groups", "split", "column", "test_share", "split_seed"}
    assert set(NAMES) - asked == {"executor", "progress", "fresh_seeds"}
    assert asked - set(NAMES) == of_tasks | {"uneven"}


def test_the_journal_holds_what_decides_the_result():
    settling = list(SearchOptions().settling())
    assert settling == [f.name for f in fields(Settings) if f.name != "measure"]


def test_a_measurement_of_ones_own_knows_no_backend():
    assert SearchOptions.of_function({"budget": 5}).budget == 5
    refused(lambda: SearchOptions.of_function({"backend": "fast"}), "unknown option 'backend'")
    refused(lambda: SearchOptions.of_function({"bugdet": 5}), "did you mean 'budget'")
