"""The contract that every module keeps, as checks that also run on modules of users."""
