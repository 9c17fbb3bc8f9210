"""What kopf calls: thin handlers, each one call into the world. No rule lives here."""
