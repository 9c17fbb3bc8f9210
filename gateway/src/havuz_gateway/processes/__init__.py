"""Several gateway processes behind one port, started and watched by one supervisor (`--workers`)."""
