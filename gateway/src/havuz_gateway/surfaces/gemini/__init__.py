"""Google's API under `/v1beta`, and under `/v1` where it is asked for by the header of its keys."""
