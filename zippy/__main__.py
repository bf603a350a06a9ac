"""python -m zippy: the server."""

from zippy.cli.main import main

main()
