"""Tasks that a client orders and comes back for: their records, the queue, and the worker that has them done."""
