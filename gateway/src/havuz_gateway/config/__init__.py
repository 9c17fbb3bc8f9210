"""Configuration as a gateway holds it: loaded from Redis or disk, indexed once per revision."""
