"""A program as the source of one compiled function, which reads like the loop that it is."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hetero_rsnn.simulation.generated.expressions import Constants, Renderer, fixed_names, safe
from hetero_rsnn.simulation.generated.program import Block, Program, Statement, Variable, names_in

#: What every kernel takes, before the arrays of its program.
COMMON = (
    "begin", "end", "first", "hold_steps", "dt", "drive", "record", "wanted", "recorded", "spike_steps",
    "spike_neurons", "last_spike", "event_steps", "event_channels", "event_indptr", "event_target", "event_w",
    "static_indptr", "static_target", "static_w", "plastic_indptr", "plastic_target", "plastic_w",
)  # fmt: skip


#: What rows of synapses with delays take besides: their groups, and for every spike what of it is still to come.
LATE = ("indptr", "table", "group", "due", "source", "begin", "end")
#: An entry of a table of groups: its lowest bits hold the delay, the others the first synapse. Behind the groups of
#: each neuron stands an entry with a delay that no spike lives to see.
BITS, NO_DELAY = 16, 65535


@dataclass(frozen=True)
class Source:
    """Text of a module with the functions `run` and `prepare`, and what they take.

    Attributes
    ----------
    arguments : tuple of str
        Of `run`, in order.
    given : tuple of str
        Of `prepare`: arrays that do not change and numbers.
    constants : tuple of str
        What `prepare` returns, each an argument of `run` too; `of_synapses` says of which synapses those are that are
        not of neurons.
    states : tuple of str
        State variables of neurons, in the order of ``recorded``.
    """

    text: str
    arguments: tuple[str, ...]
    given: tuple[str, ...]
    constants: tuple[str, ...]
    states: tuple[str, ...]
    of_synapses: dict[str, str]


class Writer:
    """Lines of source with their indentation."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    def __call__(self, *lines: str) -> None:
        self.lines += [f"{'    ' * self.depth}{line}" if line else "" for line in lines]

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """What stands indented below a line."""
        self(head)
        self.depth += 1
        yield
        self.depth -= 1


def array_of(v: Variable) -> str:
    """The kernel's name of the array that a variable lies in."""
    if v.array == "lastspike":
        return "last_spike"
    return "shared_" if v.owner == "shared" else f"{v.owner}_{v.array}"


def of_rule(what: str, owner: str) -> str:
    """The name of something that every rule has, for the synapses of one: "by_post" or "by_post_2"."""
    return f"{what}{owner.removeprefix('plastic')}"


def shared_name(name: str, block: Block) -> str:
    """The kernel's name of a number that all synapses of a rule share."""
    return f"{of_rule('shared', block.owner)}_{name}"


class Kernel:
    """Writes one function; what it finds to need becomes its arguments."""

    imports: tuple[str, ...] = (
        "import numpy as np",
        "from numba import njit",
        "",
        "from hetero_rsnn.simulation.generated import vectors",
        "from hetero_rsnn.simulation.generated.functions import (",
        "    ceil, clip, exprel, floor, power, sample, timestep, whole,",
        ")",
    )
    decorators: tuple[str, ...] = ('@njit(nogil=True, error_model="numpy", cache=True)',)

    def __init__(self, program: Program, delayed: frozenset[str] = frozenset()) -> None:
        self.program, self.delayed = program, delayed
        self.write = Writer()
        self.constants = Constants()
        self.needed: dict[str, None] = {}
        self.states = tuple(program.states)

    def need(self, name: str) -> str:
        if name not in COMMON:
            self.needed[name] = None
        return name

    def renderer(self, block: Block, *, constants: bool = True) -> Renderer:
        def current(time: str) -> str:
            where = "neuron" if block.owner == "neurons" else "target"
            if time == "t":
                return f"current[{where}]"
            return f"drive[sample({time} - t + local * dt, dt, hold_steps, drive.shape[0]), {where}]"

        return Renderer(block, self.constants if constants else None, current)

    def element(self, v: Variable, block: Block, rows: str = "") -> str:
        """One number of an array, as the loop of a block names it."""
        if v.owner == "neurons":
            own = "neuron" if block.owner == "neurons" else "target"
            index = {"own": own, "post": "target", "pre": "source"}[v.index]
            if v.array == "i":
                return index
            return f"{self.need(array_of(v))}[{index}]"
        if v.array in ("_synaptic_post", "j"):
            return "target"
        if v.array in ("_synaptic_pre", "i"):
            return "source"
        return f"{self.need(f'{rows or v.owner}_{v.array}')}[synapse]"

    def load(self, name: str, v: Variable, block: Block, rows: str = "") -> Iterable[str]:
        """The line that reads a variable, if it takes one."""
        if not v.owner or v.owner == "clock":
            return []
        if v.owner == "shared":
            return [f"{safe(name)} = {self.need(shared_name(name, block))}"]
        if v.array == "N":
            return [f"{safe(name)} = {len_of(v)}"]
        place = self.element(v, block, rows)
        if v.array == "lastspike" or v.array == "lastupdate":
            return [f"{safe(name)} = {place} * dt"]
        return [f"{safe(name)} = {place}"]

    def store(self, name: str, v: Variable, block: Block, rows: str = "") -> str:
        place = self.element(v, block, rows)
        return f"{place} = step" if v.array == "lastupdate" else f"{place} = {safe(name)}"

    # Blocks -----------------------------------------------------------------------------------------------------

    def scalars(self, block: Block) -> None:
        """What is the same for all, once a step."""
        render = self.renderer(block, constants=False)
        names = {n for s in block.scalar for n in s.names}
        for name in sorted(names & set(block.variables)):
            v = block.variables[name]
            if v.owner == "shared":
                self.write(*self.load(name, v, block))
        for s in block.scalar:
            self.write(f"{safe(s.target)} = {render.text(s.expression)}")

    def body(self, block: Block, rows: str = "", *, store: bool = True) -> None:
        """One neuron or synapse: read, statements in their order, write."""
        write = self.write
        constant = self._texts(block)
        used = self._reads(block, constant)
        for name in sorted(used):
            write(*self.load(name, block.variables[name], block, rows))
        guard = ""
        for s, text in constant:
            condition = block.condition_of(s)
            if s.local and s.target in block.guarded:
                condition = self._guard(block)
            if condition != guard:
                write.depth -= guard != ""
                if condition:
                    write(f"if {safe(condition)}:")
                    write.depth += 1
                guard = condition
            write(f"{safe(s.target)} {'=' if s.op == ':=' else s.op} {text}")
        write.depth -= guard != ""
        if store:
            for name in sorted(block.written):
                write(self.store(name, block.variables[name], block, rows))

    def _guard(self, block: Block) -> str:
        return next(v.condition for v in block.variables.values() if v.condition)

    def _texts(self, block: Block) -> list[tuple[Statement, str]]:
        render = self.renderer(block, constants=block.kind == "update")
        out = []
        for s in block.vector:
            true = {self._guard(block)} if s.target in block.guarded else set()
            out.append((s, render.text(s.expression, true)))
        return out

    def _reads(self, block: Block, texts: list[tuple[Statement, str]]) -> set[str]:
        """Variables that what is left of the expressions reads, or that may be left as they are."""
        found: set[str] = set()
        back = {safe(name): name for name in block.variables}
        assigned: set[str] = set()
        for s, text in texts:
            names = {n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)}
            condition = block.condition_of(s)
            wanted = {back[n] for n in names if n in back} - assigned
            wanted |= {s.target} if s.inplace and s.target not in assigned else set()
            if condition:
                wanted |= {condition, s.target} - assigned
            if s.local and s.target in block.guarded:
                wanted |= {self._guard(block)} - assigned
            found |= wanted
            if not s.local:
                assigned.add(s.target)
        return found & set(block.variables)

    def neurons(self, block: Block, title: str) -> None:
        """All neurons."""
        if not block.vector:
            return
        self.write("", f"# {title}")
        self.scalars(block)
        with self.write.block("for neuron in range(count_neurons):"):
            self.body(block)

    def threshold(self) -> None:
        write, block = self.write, self.program.threshold
        write("", "# threshold", "start = count")
        self.scalars(block)
        with write.block("for neuron in range(count_neurons):"):
            self.body(block, store=False)
            with write.block("if _cond:"):
                write("spike_steps[count] = step", "spike_neurons[count] = neuron", "count += 1")
        with write.block("for spike in range(start, count):"):
            write("last_spike[spike_neurons[spike]] = step")
            if self.program.refractory:
                write(f"{self.need('neurons_not_refractory')}[spike_neurons[spike]] = False")

    def reset(self) -> None:
        block = self.program.reset
        if not block.vector:
            return
        self.write("", "# reset")
        self.scalars(block)
        with self.write.block("for spike in range(start, count):"):
            self.write("neuron = spike_neurons[spike]")
            self.body(block)

    def checks(self) -> None:
        """Stop where a state has left the numbers."""
        write = self.write
        states = [k for k, kind in self.program.states.items() if kind == "float64"]
        if not states:
            return
        write("", "# what has left the range of numbers ends the run")
        write("odd = False")
        for name in states:
            with write.block("for neuron in range(count_neurons):"):
                write(f"odd |= not abs({self.need(f'neurons_{name}')}[neuron]) < np.inf")
        with write.block("if odd:"):
            write("return count, local")

    # Synapses ---------------------------------------------------------------------------------------------------

    @contextmanager
    def at_synapses(self, rows: str, block: Block) -> Iterator[None]:
        """The loop over the synapses that an event reaches."""
        write = self.write
        if rows == "event":
            with write.block("for event in range(begun, event_count):"):
                write("channel = event_channels[event]")
                with write.block("for synapse in range(event_indptr[channel], event_indptr[channel + 1]):"):
                    write("target = event_target[synapse]")
                    yield
        elif block.kind == "post":
            ends, by_post = (self.need(of_rule(k, block.owner)) for k in ("by_post_indptr", "by_post"))
            with write.block("for spike in range(start, count):"):
                write("target = spike_neurons[spike]")
                with write.block(f"for place in range({ends}[target], {ends}[target + 1]):"):
                    write(f"synapse = {by_post}[place]")
                    if block.of_source:
                        write(f"source = {self.need(f'{block.owner}_source')}[synapse]")
                    yield
        elif rows in self.delayed:
            late = f"late_{rows}"
            with write.block(f"for arrival in range({late}_count):"):
                write(f"source = {late}_source[arrival]")
                with write.block(f"for synapse in range({late}_begin[arrival], {late}_end[arrival]):"):
                    write(f"target = {self.need(f'{rows}_target')}[synapse]")
                    yield
        else:
            with write.block("for spike in range(start, count):"):
                write("source = spike_neurons[spike]")
                indptr = self.need(f"{rows}_indptr")
                with write.block(f"for synapse in range({indptr}[source], {indptr}[source + 1]):"):
                    write(f"target = {self.need(f'{rows}_target')}[synapse]")
                    yield

    # The list of spikes is the queue. Beside a spike stand the next group of synapses that it reaches (those of its
    # neuron with one delay, side by side) and the step in which it does. A step looks at every spike under way; events
    # of synapses are never copied, as a ring buffer would do. Spikes arrive in their order, which is Brian2's.

    def forget(self) -> None:
        """Leave spikes behind that have arrived everywhere."""
        longest = self.need("late_longest")
        with self.write.block(f"while oldest < count and spike_steps[oldest] + {longest} < step:"):
            self.write("oldest += 1")

    def arrivals(self, rows: str) -> None:
        """Send the spikes of the step on their way, and find the groups of synapses at which spikes arrive."""
        write, late = self.write, f"late_{rows}"
        for name in LATE:
            self.need(f"{late}_{name}")
        write("", f"# spikes that arrive at {rows} synapses", f"{late}_count = 0")
        with write.block("for spike in range(start, count):"):
            write(f"place = {late}_indptr[spike_neurons[spike]]", f"{late}_group[spike] = place")
            write(f"{late}_due[spike] = step + ({late}_table[place] & {NO_DELAY})")
        with write.block("for spike in range(oldest, count):"), write.block(f"if {late}_due[spike] == step:"):
            write(f"place = {late}_group[spike]", f"following = {late}_table[place + 1]")
            write(f"{late}_source[{late}_count] = spike_neurons[spike]")
            write(f"{late}_begin[{late}_count] = {late}_table[place] >> {BITS}")
            write(f"{late}_end[{late}_count] = following >> {BITS}", f"{late}_count += 1")
            write(f"{late}_group[spike] = place + 1")
            write(f"{late}_due[spike] = spike_steps[spike] + (following & {NO_DELAY})")

    def events(self, block: Block, rows: str, title: str) -> None:
        """All events of a kind in a step."""
        write = self.write
        if not block.vector or (rows == "event" and block.of_source):
            return
        write("", f"# {title}")
        self.scalars(block)
        if block.order != "statements":
            with self.at_synapses(rows, block):
                self.body(block, rows)
            return
        self._by_statement(block, rows)

    def _by_statement(self, block: Block, rows: str) -> None:
        """A statement for all synapses, then the next one."""
        write = self.write
        render = self.renderer(block, constants=False)
        write("total = 0")
        with self.at_synapses(rows, block):
            write("total += 1")
        for s in block.vector:
            values = f"list_{s.target}" if s.local else "list_values"
            write(f"# {s.target} {s.op} {s.expression}", f"{values} = np.empty(total)", "place_in_list = 0")
            v = block.variables.get(s.target)
            condition = block.condition_of(s) if s.inplace or (v is not None and v.index == "own") else ""
            with self.at_synapses(rows, block):
                for name in sorted(s.names):
                    if name in block.variables:
                        write(*self.load(name, block.variables[name], block, rows))
                    elif any(t.local and t.target == name for t in block.vector):
                        write(f"{safe(name)} = list_{name}[place_in_list]")
                write(f"{values}[place_in_list] = {render.text(s.expression)}", "place_in_list += 1")
            if v is None or s.local:
                continue
            write("place_in_list = 0")
            with self.at_synapses(rows, block):
                line = f"{self.element(v, block, rows)} {s.op} list_values[place_in_list]"
                if v.array == "lastupdate":
                    line = f"{self.element(v, block, rows)} = step"
                if condition:
                    place = self.element(block.variables[condition], block, rows)
                    line = f"if {place}: {line}"
                write(line, "place_in_list += 1")

    def plastic(self, block: Block, title: str, after: str = "") -> None:
        """All plastic synapses."""
        write = self.write
        write("", f"# {title}")
        self.scalars(block)
        targets = self.need(f"{block.owner}_target")
        with write.block(f"for synapse in range({targets}.size):"):
            if block.uses("post") or after:
                write(f"target = {targets}[synapse]")
            if block.of_source or "_pre" in block.target:
                write(f"source = {self.need(f'{block.owner}_source')}[synapse]")
            self.body(block)
            if after:
                write(after)

    def sums(self) -> None:
        for block in (b for rule in self.program.rules for b in rule.sums):
            name, end = block.target.rsplit("_", 1)
            array = self.need(f"neurons_{name}")
            self.write("", f"{array}[:] = 0.0")
            index = "target" if end == "post" else "source"
            self.plastic(block, f"sum over synapses: {name}", f"{array}[{index}] += _synaptic_var")

    # The whole --------------------------------------------------------------------------------------------------

    def record(self) -> None:
        """What is recorded is the state at the beginning of a step."""
        write = self.write
        with write.block("for place in range(record.size):"):
            for k, name in enumerate(self.states):
                with write.block(f"if wanted[{k}] >= 0:"):
                    write(f"recorded[wanted[{k}], local, place] = {self.need(f'neurons_{name}')}[record[place]]")
            write("pass")

    def pre_events(self) -> None:
        program = self.program
        if not program.rules:
            self.events(program.deliver, "plastic", "pre-synaptic events of plastic synapses")
        for rule in program.rules:
            if rule.pre is not None:
                self.events(rule.pre, rule.owner, "pre-synaptic events of plastic synapses")
        self.events(program.deliver, "static", "pre-synaptic events of static synapses")

    def source(self, header: str) -> Source:
        """The module."""
        program, write = self.program, self.write
        self.write = body = Writer()
        body.depth = 1
        body("count_neurons = last_spike.size", "count = 0")
        if self.delayed:
            body(f"count = {self.need('pending')}", "oldest = 0")
        if any(v.array == "N" for b in program.blocks for v in b.variables.values()):
            for owner in dict.fromkeys(["plastic", *(rule.owner for rule in program.rules)]):
                body(f"{of_rule('count_synapses', owner)} = {self.need(f'{owner}_target')}.size")
        body("event_count = np.searchsorted(event_steps, begin)")
        with body.block("for local in range(begin, end):"):
            body("step = first + local", "t = step * dt", "current = drive[local // hold_steps]")
            self.record()
            self.sums()
            self.neurons(program.update, "state update of the neurons")
            for rule in program.rules:
                if rule.synapses is not None:
                    self.plastic(rule.synapses, "state update of the synapses")
            self.checks()
            self.threshold()
            body("", "begun = event_count")
            with body.block("while event_count < event_steps.size and event_steps[event_count] == local:"):
                body("event_count += 1")
            with body.block("if begun < event_count:"):
                self.events(program.deliver, "event", "spikes of the input")
                body("pass")
            if self.delayed:
                self.forget()
                for rows in sorted(self.delayed):
                    self.arrivals(rows)
                self.pre_events()
            with body.block("if start < count:"):
                if not self.delayed:
                    self.pre_events()
                for rule in program.rules:
                    if rule.post is not None:
                        self.events(rule.post, rule.owner, "post-synaptic events of plastic synapses")
                self.reset()
                body("pass")
        body("return count, end")
        given, prepare = self._prepare()
        constants = tuple(self.constants.found.values())
        of_synapses = {name: b.owner for (b, _), name in self.constants.found.items() if b.owner != "neurons"}
        arguments = (*COMMON, *self.needed, *constants)
        write(header, "", *self.imports, "", "", *prepare, "", "", *self.decorators)
        write("def run(", *(f"    {', '.join(part)}," for part in _in_lines(arguments)), "):")
        write(*body.lines)
        return Source("\n".join(write.lines) + "\n", arguments, given, constants, self.states, of_synapses)

    def _prepare(self) -> tuple[tuple[str, ...], list[str]]:
        """The function that works out what is constant, with numpy, as Brian2 does in every step."""
        out = Writer()
        given: dict[str, None] = {}
        out.depth = 1
        blocks = dict.fromkeys(block for block, _ in self.constants.found)
        for block in blocks:
            render = Renderer(block, None, lambda _: "", vectors=True)
            mine = {e: name for (b, e), name in self.constants.found.items() if b is block}
            fixed = fixed_names(block)
            scalars = [s for s in block.scalar if s.target in fixed]
            names = {n for e in mine for n in names_in(e)} | {n for s in scalars for n in s.names}
            for name in sorted(names & set(block.variables)):
                v = block.variables[name]
                if v.owner == "clock" or not v.owner:
                    continue
                source = shared_name(name, block) if v.owner == "shared" else array_of(v)
                given[source] = None
                out(f"{safe(name)} = {source}")
            for s in scalars:
                out(f"{safe(s.target)} = {render.text(s.expression)}")
            for expression, name in mine.items():
                out(f"{name} = {render.text(expression)}")
        out(f"return ({''.join(f'{c}, ' for c in self.constants.found.values())})")
        arguments = ("dt", *given)
        return arguments, [f"def prepare({', '.join(arguments)}):", *out.lines]


def len_of(v: Variable) -> str:
    """How many there are of an owner."""
    plastic = v.owner if v.owner.startswith("plastic") else "plastic"
    return "count_neurons" if v.owner == "neurons" else of_rule("count_synapses", plastic)


def _in_lines(names: tuple[str, ...], most: int = 100) -> list[list[str]]:
    lines: list[list[str]] = [[]]
    for name in names:
        if sum(len(n) + 2 for n in lines[-1]) + len(name) > most:
            lines.append([])
        lines[-1].append(name)
    return lines


def write_kernel(program: Program, header: str, delayed: frozenset[str] = frozenset()) -> Source:
    """The source of a program.

    Parameters
    ----------
    program : Program
    header : str
        Comment at the head of the module.
    delayed : set of str
        Rows of synapses that have delays: ``"plastic"``, ``"plastic_2"``, ``"static"``.
    """
    return Kernel(program, delayed).source(header)
