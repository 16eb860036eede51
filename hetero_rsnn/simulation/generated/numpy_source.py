"""A program as the source of one function in numpy: neurons as vectors, synapses where events reach them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from hetero_rsnn.simulation.generated.expressions import Renderer, safe
from hetero_rsnn.simulation.generated.numba_source import BITS, LATE, NO_DELAY, Kernel, Source, array_of, of_rule
from hetero_rsnn.simulation.generated.program import Block, Program, Statement, Variable

#: What numpy calls an operation that a repeated index does not skip.
_AT = {"+=": "np.add.at", "-=": "np.subtract.at", "*=": "np.multiply.at", "/=": "np.divide.at"}


class NumpyKernel(Kernel):
    """Writes the same function as `Kernel`, in operations on arrays; order and rounding are those of Brian2's numpy."""

    imports = ("import numpy as np", "", "from hetero_rsnn.simulation.generated import vectors")
    decorators = ()
    #: Whether what is being written goes through synapses one by one.
    one_by_one = False

    def renderer(self, block: Block, *, constants: bool = True) -> Renderer:
        def current(time: str, index: str) -> str:
            if time == "t":
                return f"current{index}"
            return f"drive[vectors.sample({time} - t + local * dt, dt, hold_steps, drive.shape[0])]{index}"

        own = {"update": "", "threshold": "", "reset": "[neuron]"}.get(block.kind, "[target]")
        return Renderer(
            block, self.constants if constants else None, partial(current, index=own), vectors=True, whole=True
        )

    def element(self, v: Variable, block: Block, rows: str = "") -> str:
        if v.owner == "neurons":
            index = {"own": "neuron" if block.owner == "neurons" else "target", "post": "target", "pre": "source"}[
                v.index
            ]
            if v.array == "i":
                return index
            whole = block.owner == "neurons" and block.kind in ("update", "threshold")
            return f"{self.need(array_of(v))}{'[:]' if whole else f'[{index}]'}"
        if v.array in ("_synaptic_post", "j"):
            return "target"
        if v.array in ("_synaptic_pre", "i"):
            return "source"
        every = block.kind in ("update", "sum")
        return f"{self.need(f'{rows or v.owner}_{v.array}')}{'[:]' if every else '[synapse]'}"

    def load(self, name: str, v: Variable, block: Block, rows: str = "") -> Iterable[str]:
        lines = list(super().load(name, v, block, rows))
        # What is written must not be the array itself, where a later statement reads what was there before.
        if lines and lines[0].endswith("[:]") and name in block.written:
            lines[0] = f"{lines[0][:-3]}.copy()"
        return lines

    def body(self, block: Block, rows: str = "", *, store: bool = True) -> None:
        write = self.write
        texts = self._texts(block)
        many = {n for n, v in block.variables.items() if v.index in ("post", "pre")}
        for name in sorted(self._reads(block, texts)):
            if not (
                name in many and all(s.inplace for s in block.vector if s.target == name) and name in block.written
            ):
                write(*self.load(name, block.variables[name], block, rows))
        for s, text in texts:
            condition = block.condition_of(s)
            if s.target in many and s.inplace and not self.one_by_one:
                self._add(s, text, block, rows)
            elif condition:
                target = safe(s.target)
                value = f"{target} {s.op[0]} ({text})" if s.inplace else text
                write(f"{target} = np.where({safe(condition)}, {value}, {target})")
            elif s.inplace:
                write(f"{safe(s.target)} = {safe(s.target)} {s.op[:-1]} ({text})")
            else:
                write(f"{safe(s.target)} = {text}")
        for name in sorted(block.written) if store else ():
            if name not in many or not all(s.inplace for s in block.vector if s.target == name):
                write(self.store(name, block.variables[name], block, rows))

    def _add(self, s: Statement, text: str, block: Block, rows: str) -> None:
        """Add to neurons, as often as synapses reach them."""
        v = block.variables[s.target]
        array, index = self.element(v, block, rows)[:-1].split("[")
        if condition := block.condition_of(s):
            place = self.element(block.variables[condition], block, rows)
            self.write(f"free = {place}")
            self.write(f"{_AT[s.op]}({array}, {index}[free], np.broadcast_to({text}, {index}.shape)[free])")
        else:
            self.write(f"{_AT[s.op]}({array}, {index}, {text})")

    def neurons(self, block: Block, title: str) -> None:
        if not block.vector:
            return
        self.write("", f"# {title}")
        self.scalars(block)
        if any(v.array == "i" for v in block.variables.values()):
            self.write("neuron = np.arange(count_neurons)")
        self.body(block)

    def threshold(self) -> None:
        write, block = self.write, self.program.threshold
        write("", "# threshold", "start = count")
        self.scalars(block)
        if any(v.array == "i" for v in block.variables.values()):
            write("neuron = np.arange(count_neurons)")
        self.body(block, store=False)
        write("fired = np.flatnonzero(np.broadcast_to(_cond, (count_neurons,)))", "count += fired.size")
        write("spike_steps[start:count] = step", "spike_neurons[start:count] = fired", "last_spike[fired] = step")
        if self.program.refractory:
            write(f"{self.need('neurons_not_refractory')}[fired] = False")

    def reset(self) -> None:
        block = self.program.reset
        if not block.vector:
            return
        self.write("", "# reset", "neuron = fired")
        self.scalars(block)
        self.body(block)

    def checks(self) -> None:
        write = self.write
        states = [self.need(f"neurons_{k}") for k, kind in self.program.states.items() if kind == "float64"]
        if states:
            write("", "# what has left the range of numbers ends the run")
            with write.block(f"if not ({' and '.join(f'np.isfinite({s}).all()' for s in states)}):"):
                write("return count, local")

    def forget(self) -> None:
        longest = self.need("late_longest")
        self.write(f"oldest += int(np.searchsorted(spike_steps[oldest:count], step - {longest}))")

    def arrivals(self, rows: str) -> None:
        write, late = self.write, f"late_{rows}"
        for name in LATE:
            self.need(f"{late}_{name}")
        write("", f"# spikes that arrive at {rows} synapses")
        write(f"place = {late}_indptr[fired]", f"{late}_group[start:count] = place")
        write(f"{late}_due[start:count] = step + ({late}_table[place] & {NO_DELAY})")
        write(f"spike = oldest + np.flatnonzero({late}_due[oldest:count] == step)")
        write(f"place = {late}_group[spike]", f"following = {late}_table[place + 1]")
        write(f"{late}_here = {late}_table[place] >> {BITS}, following >> {BITS}, spike_neurons[spike]")
        write(f"{late}_group[spike] = place + 1")
        write(f"{late}_due[spike] = spike_steps[spike] + (following & {NO_DELAY})")

    def events(self, block: Block, rows: str, title: str) -> None:
        write = self.write
        if not block.vector or (rows == "event" and block.of_source):
            return
        write("", f"# {title}")
        self.scalars(block)
        if rows == "event":
            write("synapse = vectors.rows(event_indptr, event_channels[begun:event_count])")
            write("target = event_target[synapse]")
        elif block.kind == "post":
            by_post, ends = (self.need(of_rule(k, rows)) for k in ("by_post", "by_post_indptr"))
            write(f"synapse = {by_post}[vectors.rows({ends}, fired)]")
            write(f"target = {self.need(f'{rows}_target')}[synapse]")
            if block.of_source:
                write(f"source = {self.need(f'{rows}_source')}[synapse]")
        elif rows in self.delayed:
            here = f"late_{rows}_here"
            write(f"synapse = vectors.runs(*{here}[:2])", f"target = {self.need(f'{rows}_target')}[synapse]")
            if block.of_source:
                write(f"source = np.repeat({here}[2], {here}[1] - {here}[0])")
        else:
            indptr, targets = self.need(f"{rows}_indptr"), self.need(f"{rows}_target")
            write(f"synapse = vectors.rows({indptr}, fired)", f"target = {targets}[synapse]")
            if block.of_source:
                write(f"source = np.repeat(fired, {indptr}[fired + 1] - {indptr}[fired])")
        if block.order == "together":
            self.body(block, rows)
        elif block.order == "statements":
            self._by_statement(block, rows)
        else:
            self._by_synapse(block, rows)

    def _by_synapse(self, block: Block, rows: str) -> None:
        """Synapse after synapse."""
        write = self.write
        ends = ["synapse", "target", *(["source"] if block.of_source else [])]
        with write.block(f"for {', '.join(ends)} in zip({', '.join(ends)}, strict=True):"):
            self.one_by_one = True
            render = self.renderer(block, constants=False)
            for name in sorted((block.read | block.written) & set(block.variables)):
                write(*self.load(name, block.variables[name], block, rows))
            for s in block.vector:
                condition = block.condition_of(s)
                line = f"{safe(s.target)} {'=' if s.op == ':=' else s.op} {render.text(s.expression)}"
                write(f"if {safe(condition)}: {line}" if condition else line)
            for name in sorted(block.written):
                write(self.store(name, block.variables[name], block, rows))
            self.one_by_one = False

    def _by_statement(self, block: Block, rows: str) -> None:
        write = self.write
        render = self.renderer(block, constants=False)
        for s in block.vector:
            text = render.text(s.expression)
            for name in sorted(s.names & set(block.variables)):
                write(*self.load(name, block.variables[name], block, rows))
            v = block.variables.get(s.target)
            if s.local or v is None:
                write(f"{safe(s.target)} = {text}")
            elif s.inplace and v.index in ("post", "pre"):
                self._add(s, text, block, rows)
            elif v.array == "lastupdate":
                write(f"{self.element(v, block, rows)} = step")
            else:
                write(f"{self.element(v, block, rows)} {s.op} {text}")

    def plastic(self, block: Block, title: str, after: str = "") -> None:
        write = self.write
        write("", f"# {title}")
        self.scalars(block)
        if block.uses("post") or after:
            write(f"target = {self.need(f'{block.owner}_target')}")
        if block.of_source or "_pre" in block.target:
            write(f"source = {self.need(f'{block.owner}_source')}")
        self.body(block)
        if after:
            array, index = after.split("[")[0], after.split("[")[1].split("]")[0]
            write(f"_synaptic_var = np.broadcast_to(_synaptic_var, {index}.shape)")
            write(f"{array}[:] = np.bincount({index}, _synaptic_var, count_neurons)")


def write_numpy(program: Program, header: str, delayed: frozenset[str] = frozenset()) -> Source:
    """The source of a program for numpy alone; see `write_kernel`."""
    return NumpyKernel(program, delayed).source(header)
