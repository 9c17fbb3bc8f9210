"""Traces, metrics and logs. An unsampled request meets no tracer."""
