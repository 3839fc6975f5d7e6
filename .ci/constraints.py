"""Print the installed packages as constraints: exact public versions, no address, not headstart itself."""

from importlib.metadata import distributions
from re import sub

pins = {}
for distribution in distributions():
    name = sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
    pins[name] = distribution.version.partition("+")[0]
for name in ("headstart", "pip", "setuptools", "wheel"):
    pins.pop(name, None)
print("# The versions that CI uses; `make constraints` writes this file.")
for name in sorted(pins):
    print(f"{name}=={pins[name]}")
