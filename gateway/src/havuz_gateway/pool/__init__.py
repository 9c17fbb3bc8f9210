"""The pool: what is known of each upstream's health, and which one is asked next."""
