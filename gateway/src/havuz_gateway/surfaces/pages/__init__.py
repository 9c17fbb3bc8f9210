"""The customer's dashboard: pages rendered on the server. A page is added as one line of the table in `routes.py`."""
