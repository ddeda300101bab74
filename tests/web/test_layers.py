"""Where boxes and arrows stand: none on another, arrows from left to right, few crossings."""

import re
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.web import layers
from scheduler.web.layers import GAP, HEIGHT, MARGIN, WIDTH, Edge, Layout

EDGES = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)).filter(lambda one: one[0] != one[1]), max_size=40)


def arranged(*edges: Edge) -> Layout:
    return layers.arranged(sorted({node for edge in edges for node in edge}), edges)


def columns(layout: Layout) -> dict[int, int]:
    return {node: round((x - MARGIN) / (WIDTH + GAP)) for node, (x, _) in layout.boxes.items()}


def test_a_chain_is_a_row() -> None:
    layout = arranged((1, 2), (2, 3))
    assert columns(layout) == {1: 0, 2: 1, 3: 2}
    assert len({y for _, y in layout.boxes.values()}) == 1
    assert layout.paths[1, 2] == f"M{MARGIN + WIDTH} 31C{216} 31 {216} 31 {240} 31"


def test_a_diamond_has_its_sides_one_below_the_other() -> None:
    layout = arranged((1, 2), (1, 3), (2, 4), (3, 4))
    assert columns(layout) == {1: 0, 2: 1, 3: 1, 4: 2}
    assert layout.boxes[1][1] == layout.boxes[4][1] and layout.boxes[3][1] - layout.boxes[2][1] >= HEIGHT


def test_a_task_stands_behind_the_last_it_follows_and_its_arrow_passes_by() -> None:
    layout = arranged((1, 2), (2, 3), (1, 3))
    assert columns(layout) == {1: 0, 2: 1, 3: 2}
    (lane,) = {float(y) for y in re.findall(r"([\d.]+)h", layout.paths[1, 3])}
    top = layout.boxes[2][1]
    assert not top <= lane <= top + HEIGHT


def test_arrows_do_not_cross_where_they_need_not() -> None:
    layout = arranged((1, 6), (2, 5), (3, 4))
    left, right = ([y for _, y in map(layout.boxes.get, nodes)] for nodes in ((1, 2, 3), (6, 5, 4)))  # type: ignore[misc]
    assert left == right


def test_one_task_alone_is_a_drawing_too() -> None:
    layout = layers.arranged([7], [])
    assert layout.boxes == {7: (MARGIN, MARGIN)} and (layout.width, layout.height) == (WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN)
    assert layers.arranged([], []).boxes == {}


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="circle"):
        arranged((1, 2), (2, 1))


@settings(max_examples=150, deadline=None)
@given(EDGES)
def test_no_box_stands_on_another_and_all_are_inside(found: list[Edge]) -> None:
    edges = [(min(edge), max(edge)) for edge in found]
    layout = layers.arranged(range(15), edges)
    for (x, y), (other_x, other_y) in combinations(layout.boxes.values(), 2):
        assert abs(x - other_x) >= WIDTH or abs(y - other_y) >= HEIGHT
    for x, y in layout.boxes.values():
        assert x >= 0 and y >= 0 and x + WIDTH <= layout.width and y + HEIGHT <= layout.height
    stands = columns(layout)
    assert all(stands[source] < stands[target] for source, target in edges) and layout.paths.keys() == set(edges)


def test_two_hundred_tasks_are_arranged_at_once() -> None:
    edges = [(node, node + step) for node in range(190) for step in (1, 5, 9)]
    assert len(arranged(*edges).paths) == 570


def test_what_hangs_together_is_one_part() -> None:
    assert layers.parts(range(1, 7), [(1, 2), (3, 2), (4, 5)]) == [[1, 2, 3], [4, 5], [6]]
