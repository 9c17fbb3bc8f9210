"""What clients may call: paths, how a key is read, how an error looks. No business rule lives here."""
