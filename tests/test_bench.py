"""The benchmark, very small: it checks every receipt itself, and what it says is complete."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
if not (ROOT / "bench").is_dir():
    pytest.skip("a source distribution may have no bench/", allow_module_level=True)
sys.path.append(str(ROOT))

from bench import receipts, report  # noqa: E402
from bench.isolation import Half  # noqa: E402


async def bench(folder: Path, *more: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench", "--deliveries", "48", "--rounds", "1", "--folder", str(folder), *more,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert (process.returncode, err.decode()) == (0, "")
    return out.decode()


async def test_every_delivery_arrives_once_and_in_order_and_the_table_says_so(tmp_path):
    lines = (await bench(tmp_path)).splitlines()
    shapes = lines[lines.index("") + 2 :][:3]
    assert [line.split()[:3] for line in shapes] == [["25", "200", "75"], ["1", "64", "48"], ["1", "8", "48"]]
    assert any("database on" in line for line in lines)
    assert any("peak memory" in line for line in lines)
    assert list(tmp_path.iterdir()) == []


async def test_json_has_the_same_figures(tmp_path):
    document = json.loads(await bench(tmp_path, "--json"))
    assert set(document) == {"machine", "shapes", "delay", "peak_rss_mb", "isolation"}
    for row in document["shapes"]:
        assert row["ratio"] == pytest.approx(row["ours_per_second"] / row["bare_per_second"], rel=0.01)
    isolation = document["isolation"]
    for delay in document["delay"], isolation["well"], isolation["hanging"]:
        assert 0 < delay["median_ms"] <= delay["p99_ms"]
    assert (isolation["events"], len(isolation["ratios"])) == (4, 2)


@pytest.mark.parametrize(("part", "keys"), [("isolation", {"isolation"})])
async def test_one_part_alone_is_measured_where_it_is_asked_for(tmp_path, part, keys):
    assert set(json.loads(await bench(tmp_path, "--json", "--only", part))) == {"machine", *keys}
    assert list(tmp_path.iterdir()) == []


async def test_a_profile_shows_our_own_share(tmp_path):
    assert "notifier: sender" in await bench(tmp_path, "--profile")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda found: found.pop(), "5 of 6 arrived"),
        (lambda found: found[0].update(verified=False), "signature"),
        (lambda found: found[0].update(headers=["host"]), "headers"),
        (lambda found: found[0].update(id=found[1]["id"]), "twice"),
        (lambda found: found.reverse(), "lane"),
    ],
)
def test_the_check_of_the_receipts_can_fail(spoil, complaint):
    found = [
        {"path": "/0", "lane": lane, "sequence": sequence, "id": f"{lane}-{sequence}", "verified": True}
        | {"headers": receipts.HEADERS}
        for sequence in (1, 2, 3)
        for lane in (1, 2)
    ]
    receipts.check(found, 6, in_order=True)
    spoil(found)
    with pytest.raises(AssertionError, match=complaint):
        receipts.check(found, 6, in_order=True)


def test_medians_are_shown_and_the_ratio_is_taken_within_each_round():
    rounds = [
        (Half([0.001] * 9, 0.3, 0), Half([0.002] * 9, 0.3, 5)),
        (Half([0.004] * 9, 0.4, 0), Half([0.005] * 9, 0.2, 3)),
    ]
    row = report.isolation_figures(rounds)
    assert (row["well"]["p99_ms"], row["hanging"]["p99_ms"], row["ratios"]) == (2.5, 3.5, [2.0, 1.25])
    assert row["ratio"] == pytest.approx(1.625, abs=0.01)
    assert (row["events"], row["busy"], row["hung"]) == (2, 0.3, 8)
