"""Callbacks: the end of a task, told to the URL that its client gave, as a Standard Webhook, at least once."""
