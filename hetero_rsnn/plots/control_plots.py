"""Figures of actors that learn to act: curves with bands, spikes, an episode as a strip of pictures or as a film."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from hetero_rsnn.common import checks
from hetero_rsnn.common.errors import HeteroError
from hetero_rsnn.common.files import file_named, write_atomic
from hetero_rsnn.control.films import EpisodeRecording, some_frames
from hetero_rsnn.control.result import ControlResult
from hetero_rsnn.plots.looks import axes_for, panel_letter

_LOOKS = (("#0072B2", "-"), ("#D55E00", "--"), ("#009E73", "-."), ("#7A4FB5", ":"), ("#555555", "-"), ("#E69F00", "--"))


def _labels(results: Sequence[ControlResult]) -> list[str]:
    """What sets each apart, with the number of seeds where that differs; the same twice gets numbers."""
    told, seeds = _names(results), [len(result.returns) for result in results]
    if len(set(seeds)) > 1:
        told = [f"{name}, {_seeds(count)}" for name, count in zip(told, seeds, strict=True)]
    return [w if told.count(w) == 1 else f"{w} ({told[: k + 1].count(w)})" for k, w in enumerate(told)]


def _names(results: Sequence[ControlResult]) -> list[str]:
    """A word or two for each, and settings where these are the same."""
    words, settings = [result.label for result in results], [_flat(result) for result in results]
    return [
        _apart(word, [other for w, other in zip(words, settings, strict=True) if w == word], own)
        for word, own in zip(words, settings, strict=True)
    ]


def _flat(result: ControlResult) -> dict[str, object]:
    """All settings of actor and training by their names; `steps` are those of the training."""
    settings = result.settings.to_dict()
    return {**settings.pop("actor"), **settings}


def _apart(word: str, of_this_name: list[dict[str, object]], own: dict[str, object]) -> str:
    """The word, and up to two settings in which results of this name differ."""
    odd = [name for name in own if any(other[name] != own[name] for other in of_this_name)]
    return ", ".join([word, *(f"{name.replace('_', ' ')} {_short(own[name])}" for name in odd[:2])])


def _short(value: object) -> str:
    if isinstance(value, dict):
        return str(value.get("distribution") or " ".join(f"{k} {v:g}" for k, v in value.items()))
    return " x ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _seeds(count: int) -> str:
    return f"{count} seed{'s' * (count != 1)}"


def _checked(results: ControlResult | Sequence[ControlResult]) -> list[ControlResult]:
    found = [results] if isinstance(results, ControlResult) else list(results)
    if not found:
        raise HeteroError("results must be one or more, got none", fix="train first")
    places = {result.environment for result in found}
    if len(places) > 1:
        raise HeteroError(
            f"results must be of one environment, got {', '.join(sorted(places))}: their returns have different scales",
            fix="draw one figure for each",
        )
    for result in found:
        if not result.tests:
            raise HeteroError(f"{result.label}: not every seed has a test yet", fix="let the training go on")
    return found


def _axis_of_steps(ax: Axes) -> None:
    ax.set_xlabel("steps of learning")
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    ax.spines[["top", "right"]].set_visible(False)


def plot_control(results: ControlResult | Sequence[ControlResult], ax: Axes | None = None) -> Axes:
    """Return over steps of learning: each seed thin, the interquartile mean thick, its 95 % interval as a band.

    Parameters
    ----------
    results : ControlResult or sequence of ControlResult
        Of one environment.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    HeteroError
        If there is no result, they are of different environments, or a seed has no test yet.

    Examples
    --------
    >>> import hetero_rsnn as hr
    >>> tests = {s: tuple(hr.ControlTest(k, (k / 10 - s,), 200.0, 1.0) for k in (1000, 2000)) for s in range(5)}
    >>> ax = plot_control(hr.ControlResult("Pendulum-v1", hr.ControlSettings(), tests))
    >>> ax.get_ylabel()
    'return'
    """
    found = _checked(results)
    ax = axes_for(ax, 5.2, 3.6)
    for number, (result, label) in enumerate(zip(found, _labels(found), strict=True)):
        colour, dashes = _LOOKS[number % len(_LOOKS)]
        curve = result.mean_curve()
        for row in result.returns if len(result.returns) > 1 else ():
            ax.plot(curve.steps, row, color=colour, lw=0.5, alpha=0.35)
        if np.isfinite(curve.low).all():
            ax.fill_between(curve.steps, curve.low, curve.high, color=colour, alpha=0.18, lw=0)
        dot = "o" if len(curve.steps) == 1 else None
        ax.plot(curve.steps, curve.value, color=colour, ls=dashes, lw=1.8, marker=dot, label=label)
    ax.set_ylabel("return")
    _axis_of_steps(ax)
    ax.legend(frameon=False, fontsize="small", loc="best")
    return ax


def plot_control_spikes(results: ControlResult | Sequence[ControlResult], ax: Axes | None = None) -> Axes:
    """Spikes of an action over steps of learning: each seed thin, their mean thick.

    Parameters
    ----------
    results : ControlResult or sequence of ControlResult
    ax : Axes, optional

    Raises
    ------
    HeteroError
        As `plot_control`.
    """
    found = _checked(results)
    ax = axes_for(ax, 5.2, 3.6)
    for number, (result, label) in enumerate(zip(found, _labels(found), strict=True)):
        colour, dashes = _LOOKS[number % len(_LOOKS)]
        for row in result.spikes if len(result.spikes) > 1 else ():
            ax.plot(result.steps, row, color=colour, lw=0.5, alpha=0.35)
        dot = "o" if result.tests == 1 else None
        ax.plot(result.steps, result.spikes.mean(axis=0), color=colour, ls=dashes, lw=1.8, marker=dot, label=label)
    ax.set_ylabel("spikes of an action")
    ax.set_ylim(bottom=0)
    _axis_of_steps(ax)
    if len(found) > 1:
        ax.legend(frameon=False, fontsize="small", loc="best")
    return ax


def plot_episode(recording: EpisodeRecording, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Rewards, actions and spikes of an episode, one above the other.

    Parameters
    ----------
    recording : EpisodeRecording
    axes : sequence of three Axes, optional

    Returns
    -------
    list of Axes
    """
    if axes is None:
        axes = Figure(figsize=(6.0, 4.2), layout="constrained").subplots(3, 1, sharex=True)
    top, middle, bottom = axes
    steps = np.arange(len(recording))
    top.plot(steps, recording.rewards, color="#0072B2", lw=1)
    top.set_ylabel("reward")
    for k, row in enumerate(recording.actions.T):
        middle.step(steps, row, where="post", lw=0.9, color=_LOOKS[k % len(_LOOKS)][0])
    middle.set_ylabel("action" if recording.actions.shape[1] == 1 else "actions")
    bottom.plot(steps, recording.spikes, color="#D55E00", lw=0.8)
    bottom.set(ylabel="spikes", xlabel="step of the episode")
    bottom.set_ylim(bottom=0)
    for ax in (top, middle, bottom):
        ax.set_xlim(0, max(len(recording) - 1, 1))
        ax.spines[["top", "right"]].set_visible(False)
    return [top, middle, bottom]


def plot_film_strip(recording: EpisodeRecording, count: int = 8, figure: Figure | None = None) -> Figure:
    """Pictures of an episode side by side, evenly over its steps.

    Parameters
    ----------
    recording : EpisodeRecording
        With pictures.
    count : int
        At most so many.
    figure : Figure, optional

    Raises
    ------
    HeteroError
        If the recording has no pictures.
    """
    count = checks.whole("count", count, least=1)
    _pictured(recording)
    at, frames = some_frames(recording, count)
    fig = Figure(figsize=(1.5 * len(frames) + 0.2, 1.9), layout="constrained") if figure is None else figure
    for ax, step, frame in zip(fig.subplots(1, len(frames), squeeze=False)[0], at, frames, strict=True):
        ax.imshow(frame, interpolation="antialiased")
        ax.set_axis_off()
        ax.set_title(f"step {step}", fontsize="small")
    return fig


def _pictured(recording: EpisodeRecording) -> None:
    if not len(recording.frames):
        raise HeteroError("this recording has no pictures", fix="record the episode with pictures=True")


def save_film(recording: EpisodeRecording, path: str | Path, *, size: int = 240, seconds: float | None = None) -> Path:
    """Write the pictures of an episode as an animated GIF, atomically.

    Parameters
    ----------
    recording : EpisodeRecording
        With pictures.
    path : path
        It ends in ``.gif``.
    size : int
        Longest side of a picture.
    seconds : float, optional
        Of the whole film [default: 0.05 for each picture].

    Raises
    ------
    HeteroError
        If the recording has no pictures, or the name is another one.
    OutputError
        If the place cannot be written.
    """
    from PIL import Image  # matplotlib brings it

    _pictured(recording)
    size, path = checks.whole("size", size, least=16), file_named("a film", path, ".gif")
    each = 0.05 if seconds is None else checks.real("seconds", seconds, above=0.0) / len(recording.frames)
    images = []
    for frame in recording.frames:
        image = Image.fromarray(frame)
        image.thumbnail((size, size))
        images.append(image.quantize(64))
    buffer = io.BytesIO()
    images[0].save(
        buffer, format="GIF", save_all=True, append_images=images[1:], duration=max(20, round(1000 * each)), loop=0
    )
    return write_atomic(path, lambda file: file.write(buffer.getvalue()))


def figure_control(
    results: ControlResult | Sequence[ControlResult], recording: EpisodeRecording | None = None
) -> Figure:
    """The figure of ``hetero-rsnn show``: returns and spikes, and below an episode of an actor of the first result."""
    found = _checked(results)
    strip = recording is not None and len(recording.frames) > 0
    height = 3.4 + (3.4 if recording is not None else 0.0) + (1.9 if strip else 0.0)
    figure = Figure(figsize=(10.0, height), layout="constrained")
    heights = [3.4] + [3.4] * (recording is not None) + [1.9] * strip
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    left, right = parts[0].subplots(1, 2)
    plot_control(found, left)
    plot_control_spikes(found, right)
    panel_letter(left, "A")
    panel_letter(right, "B")
    seeds = {len(result.returns) for result in found}  # without those that were given up; if they differ, labels tell
    more = f", {_seeds(*seeds)}" if len(seeds) == 1 else ""
    left.set_title(f"{found[0].environment}{more}", fontsize="medium")
    if recording is not None:
        top, *_ = plot_episode(recording, parts[1].subplots(3, 1, sharex=True))
        panel_letter(top, "C")
        whose = "" if len(found) == 1 else f"{_names(found)[0]}: "
        top.set_title(f"{whose}an episode without noise, return {recording.total:.4g}", fontsize="medium")
    if strip:
        assert recording is not None
        plot_film_strip(recording, 8, parts[2])
    return figure
