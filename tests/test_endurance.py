"""A small share of what tests/endurance.py does for hours; each run of the tests does the same."""

import endurance
import pytest


def test_random_commands_leave_every_engine_sound():
    seen = endurance.commands(1200, seed=0)
    assert sum(seen.values()) > 1000
    assert seen["done"] > 500 and seen["ValueError"] > 50 and seen["TypeError"] > 20


def test_random_touches_leave_every_lab_sound():
    seen = endurance.controls(420, seed=0)
    assert sum(seen.values()) == 420 and len(seen) == 14


def test_play_keeps_its_memory_and_its_pace():
    """Twenty seconds of each kind: wide bounds, since other tests run beside it."""
    seen = endurance.play(20 / 60)
    for kind, (growth, _, late) in seen.items():
        assert growth < 60 and late > 0, kind


def test_interrupts_lose_nothing():
    seen = endurance.interrupts(50, seed=0)
    assert all(seen[kind] == 10 for kind in seen) and len(seen) == 5


def test_unknown_parts_are_named(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["endurance.py", "plays"])
    with pytest.raises(SystemExit):
        endurance.main()
    assert "there is no plays" in capsys.readouterr().err
