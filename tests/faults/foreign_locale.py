"""The command line with the environment's locale in force for everything, as a program that embeds Python sets it.

Python alone obeys only its letters; after this, libraries in C write and read decimal commas.
"""

from __future__ import annotations

import locale

from twin.cli.main import main

if __name__ == "__main__":
    locale.setlocale(locale.LC_ALL, "")
    assert locale.localeconv()["decimal_point"] == ","
    main()
