"""What a notebook shows of a network and of its draw: tables of parameters with thumbnails of their distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hetero_rsnn.common import svg, units
from hetero_rsnn.common.tables import Markup, TextTable
from hetero_rsnn.network.parameter import Parameter

if TYPE_CHECKING:
    from hetero_rsnn.network.definition import Network
    from hetero_rsnn.network.draw import Draw


def thumbnail(p: Parameter) -> Markup:
    """The density that a parameter declares; a line where all are alike."""
    if not p.cv > 0:
        return svg.spike(f"all {p}")
    low, high = (float(x) for x in p.distribution.quantile([0.0005, 0.995]))
    x = np.linspace(low, high, 90)
    return svg.density(x, np.gradient(p.distribution.cdf(x), x), str(p)) if high > low else Markup("")


def network_html(net: Network) -> str:
    """Every parameter of every population, of plasticity, and the projections."""
    channels = f"{net.input.channels} channel{'s' * (net.input.channels > 1)}"
    title = f"{net.name}: {net.description}" if net.description else net.name
    title += f"; {net.n} neurons, dt = {net.dt:g} ms, {channels} of input, model {net.model or 'of its own'}"
    rows: list[tuple[str, ...]] = []
    for population in net.populations:
        where = f"{population.name} ({population.size} {population.kind})"
        rows += [(where, key, str(p), thumbnail(p)) for key, p in population.parameters]
    for q in net.projections:
        plastic = f", plastic{f' by {q.rule}' if q.rule else ''}" if q.plastic else ""
        what = f"{q.topology}{plastic}, weight {q.weight}"
        what += "" if q.delay is None else f", delay {q.delay} in whole steps"
        rows.append((f"{q.pre} to {q.post}", "projection " + q.name, what, thumbnail(q.weight)))
    for rule in net.rules:
        where = rule.where.replace(".", " ")
        rows += [(where, key, str(p), thumbnail(p)) for key, p in rule.parameters]
    return TextTable(title, ("where", "parameter", "value", "density"), rows).html()


def draw_html(drawn: Draw) -> str:
    """Mean, spread and histogram of every parameter as drawn."""
    rows: list[tuple[str, ...]] = []
    for population in drawn.network.populations:
        part = drawn.members(population.name)
        for key, p in population.parameters:
            values = drawn.neurons[key][part]
            rows.append((population.name, key, *_summary(values, p.unit), svg.histogram(values, f"{key} as drawn")))
    for rule in drawn.network.rules:
        kinds = dict(rule.parameters)
        where = f"plastic synapses{f' ({rule.name})' if rule.name else ''}"
        for key, values in drawn.parameters_of(rule).items():
            unit = kinds[key].unit
            rows.append((where, key, *_summary(values, unit), svg.histogram(values, f"{key} as drawn")))
    return TextTable(repr(drawn), ("where", "parameter", "mean", "cv", "as drawn"), rows).html()


def _summary(values: np.ndarray, unit: str) -> tuple[str, str]:
    finite = values[np.isfinite(values)]  # lost neurons have no finite threshold
    if not finite.size:
        return "–", "–"
    mean = float(finite.mean())
    # Equal numbers have a mean that is not quite theirs.
    sd = float(finite.std()) if np.ptp(finite) > 0 else 0.0
    spread = f"{sd / abs(mean):.3g}" if mean else "–"
    return units.show(float(f"{mean:.4g}"), unit), spread
