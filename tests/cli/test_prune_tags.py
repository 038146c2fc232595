"""`memo prune --tag`."""

from memo import Recorder


def test_what_has_a_tag_is_pruned(memo, tmp_path):
    cache = Recorder(tmp_path / "store", mode="record-if-missing")
    tagged = cache.recordable(name="app.f", tags=lambda arguments: [f"n:{arguments['n']}", "all"])(lambda n: n)
    tagged(1), tagged(2), tagged(3)
    cache.recordable(name="app.g")(lambda: 1)()
    listed = memo("prune", tmp_path / "store", "--tag", "n:1", "--tag", "n:2")
    assert listed.code == 0
    assert "2 recordings" in listed.out
    assert len(list((tmp_path / "store").rglob("*.json"))) == 4
    assert "deleted 2 recordings" in memo("prune", tmp_path / "store", "--tag", "n:1", "--tag", "n:2", "--yes").out
    assert "deleted 1 recording" in memo("prune", tmp_path / "store", "--tag", "all", "--yes").out
    assert cache.invalidate(tag="all") == 0


def test_one_rule_at_a_time(memo, tmp_path):
    memo("prune", tmp_path, "--tag", "x", "--stale", "1d", code=2)
