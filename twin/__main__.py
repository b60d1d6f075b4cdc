"""``python -m twin``."""

from twin.cli.main import main

main()
