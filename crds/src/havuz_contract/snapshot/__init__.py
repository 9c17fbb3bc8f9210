"""The compiled configuration: what a gateway may know, how it is sealed, and how two revisions differ."""
