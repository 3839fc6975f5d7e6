"""Resident memory does not grow with the number of images."""

import json
import os
import subprocess
import sys

import pytest

MEASURE = """
import json, sys
from headstart.data import open_data
def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))
dataset = open_data(sys.argv[1])
print(json.dumps({"rows": len(dataset), "megabytes": resident()}))
"""


def opened(root) -> dict:
    done = subprocess.run([sys.executable, "-c", MEASURE, root], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="resident memory is read from /proc")
def test_opening_ten_times_the_images_takes_no_more_memory(tmp_path, draw):
    draw(1).save(tmp_path / "seed.png")
    sizes = {2_000: tmp_path / "few", 20_000: tmp_path / "many"}
    for count, root in sizes.items():
        for name in ("a", "b"):
            (root / name).mkdir(parents=True)
            for number in range(count // 2):
                os.link(tmp_path / "seed.png", root / name / f"a_rather_long_name_of_a_picture_{number:06d}.png")
    few, many = (opened(root) for root in sizes.values())
    assert (few["rows"], many["rows"]) == (2_000, 20_000)
    # labels, splits and the pages of the mapped index that were just written: under 1 KiB per image
    assert many["megabytes"] - few["megabytes"] < 16
