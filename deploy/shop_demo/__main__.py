"""Writes the databases of a simulated shop (shop.py) into a directory, which must not exist.

Usage: python3 -B deploy/shop_demo DIRECTORY
"""

import pathlib
import sys
import time

# Run by the name of its directory, this is not part of a package.
sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

from shop_demo.shop import Shop, now  # noqa: E402


def main():
    directory = pathlib.Path(sys.argv[1])
    made = directory.with_name(f"{directory.name}.new")
    shop = Shop(made, now())
    # Written elsewhere and renamed, so that no reader sees a part of it.
    shop.database.close()
    made.rename(directory)
    shop.open(directory)
    while True:
        shop.advance(now())
        time.sleep(2)


if __name__ == "__main__":
    main()
