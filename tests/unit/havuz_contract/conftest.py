"""Property tests of the contract: many small cases, and no deadline on a machine that others use too."""

from hypothesis import settings

settings.register_profile("contract", deadline=None, max_examples=60)
settings.load_profile("contract")
