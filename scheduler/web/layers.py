"""Where the boxes and arrows of a graph without circles stand: layers from left to right, few crossings; pure, knows no tasks.

Each node stands one layer behind the last of those it follows. An arrow over several layers gets a place in each of them, so
that it bends around boxes. Within a layer the order is that of the neighbours' middles, looked at from both sides in turn.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT = 184, 46
GAP, ROOM = 48, 18  # between layers, between the boxes of one
LANE = 10  # an arrow that passes by needs less than a box
MARGIN = 8
SWEEPS = 6

Edge = tuple[int, int]
Place = tuple[int, ...]  # (node,), or (source, target, layer) where an arrow passes by


@dataclass(frozen=True)
class Layout:
    """The upper left corner of each box, the path of each arrow, and the size of it all."""

    boxes: dict[int, tuple[float, float]]
    paths: dict[Edge, str]
    width: float
    height: float


def arranged(nodes: Sequence[int], edges: Iterable[Edge]) -> Layout:
    """The drawing of `nodes` with an arrow for each of `edges`, (from, to); a circle among them is a programming error."""
    edges = sorted(set(edges))
    depth = _depths(nodes, edges)
    ways = {edge: _way(edge, depth) for edge in edges}
    layers: list[list[Place]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in nodes:
        layers[depth[node]].append((node,))
    for way in ways.values():
        for place in way[1:-1]:
            layers[place[2]].append(place)
    _order(layers, [pair for way in ways.values() for pair in pairwise(way)])
    middles, height = _middles(layers)
    boxes: dict[int, tuple[float, float]] = {
        node: (MARGIN + depth[node] * (WIDTH + GAP), middles[node,] - HEIGHT / 2) for node in nodes
    }
    paths = {edge: _path(depth[edge[0]], [middles[place] for place in way]) for edge, way in ways.items()}
    return Layout(boxes, paths, 2 * MARGIN + len(layers) * (WIDTH + GAP) - GAP if layers else 0, height)


def parts(nodes: Iterable[int], edges: Iterable[Edge]) -> list[list[int]]:
    """The nodes that hang together, each part in the order given; the largest first."""
    root = {node: node for node in nodes}

    def top(node: int) -> int:
        while root[node] != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    for source, target in edges:
        root[top(source)] = top(target)
    found: dict[int, list[int]] = {}
    for node in root:
        found.setdefault(top(node), []).append(node)
    return sorted(found.values(), key=len, reverse=True)


def _depths(nodes: Sequence[int], edges: Sequence[Edge]) -> dict[int, int]:
    """How many arrows the longest way to each node has."""
    followers: dict[int, list[int]] = {node: [] for node in nodes}
    missing = dict.fromkeys(nodes, 0)
    for source, target in edges:
        followers[source].append(target)
        missing[target] += 1
    depth = {node: 0 for node in nodes if not missing[node]}
    waiting = list(depth)
    for node in waiting:
        for follower in followers[node]:
            depth[follower] = max(depth.get(follower, 0), depth[node] + 1)
            missing[follower] -= 1
            if not missing[follower]:
                waiting.append(follower)
    if len(waiting) < len(missing):
        raise ValueError("a circle has no layers")
    return depth


def _way(edge: Edge, depth: Mapping[int, int]) -> list[Place]:
    source, target = edge
    return [(source,), *((source, target, layer) for layer in range(depth[source] + 1, depth[target])), (target,)]


def _order(layers: list[list[Place]], pairs: Sequence[tuple[Place, Place]]) -> None:
    """Sort each layer by the middle of its neighbours in the one before, then in the one behind, a few times."""
    before: dict[Place, list[Place]] = {}
    behind: dict[Place, list[Place]] = {}
    for source, target in pairs:
        behind.setdefault(source, []).append(target)
        before.setdefault(target, []).append(source)
    for sweep in range(SWEEPS):
        onward = sweep % 2 == 0
        neighbours = before if onward else behind
        for layer in layers if onward else reversed(layers):
            rank = {place: index for one in layers for index, place in enumerate(one)}
            middle = {place: _mean([rank[one] for one in neighbours.get(place, [place])]) for place in layer}
            layer.sort(key=lambda place: middle[place])


def _middles(layers: Sequence[Sequence[Place]]) -> tuple[dict[Place, float], float]:
    """How far down the middle of each place is, each layer centred; and the height of all."""
    sizes = [[HEIGHT if len(place) == 1 else LANE for place in layer] for layer in layers]
    tall = [sum(size) + ROOM * (len(size) - 1) for size in sizes]
    highest = max(tall, default=0)
    found: dict[Place, float] = {}
    for layer, size, own in zip(layers, sizes, tall, strict=True):
        top = MARGIN + (highest - own) / 2
        for place, room in zip(layer, size, strict=True):
            found[place] = top + room / 2
            top += room + ROOM
    return found, highest + 2 * MARGIN


def _path(layer: int, middles: Sequence[float]) -> str:
    """A curve from the right side of the first box, in that layer, over the lanes to the left side of the last."""
    right = MARGIN + layer * (WIDTH + GAP) + WIDTH
    steps = [f"M{right:g} {middles[0]:g}"]
    for y, next_y in pairwise(middles):
        half = right + GAP / 2
        steps.append(f"C{half:g} {y:g} {half:g} {next_y:g} {right + GAP:g} {next_y:g}")
        right += WIDTH + GAP
        steps.append(f"h{WIDTH}")
    return "".join(steps[:-1])


def _mean(numbers: Sequence[int]) -> float:
    return sum(numbers) / len(numbers)
