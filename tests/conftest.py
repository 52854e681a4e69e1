"""What holds for all tests."""

from hypothesis import settings

# How long an example takes depends on what else the machine does: that is measured in bench/, and fails no test.
settings.register_profile("govcloud", deadline=None)
settings.load_profile("govcloud")
