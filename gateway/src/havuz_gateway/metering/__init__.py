"""Limits and money: what a request may use, and what it used."""
