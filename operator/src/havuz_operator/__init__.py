"""The operator: watches the three kinds, compiles them, publishes the result, writes status."""
