"""Opening data needs neither torch nor scikit-learn until something asks for them."""

import subprocess
import sys


def test_the_data_room_is_light():
    slow = ("torch", "sklearn", "datasets", "pandas")
    code = f"import sys, headstart.data; print([m for m in {slow} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
