"""From resources to the compiled configuration: the one translator between what users write and what gateways know."""
