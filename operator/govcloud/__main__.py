"""`python -m govcloud` is `govcloud`."""

from govcloud.cli import main

main()
