"""The hub form: what any of the protocols can say, in one set of values. Codecs translate to and from it."""
