"""A fleet of gateways and a pool of keys in virtual time: what gossip costs, and how a pool heals."""
