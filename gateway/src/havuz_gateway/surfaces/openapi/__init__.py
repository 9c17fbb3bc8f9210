"""One OpenAPI document of every path that clients may call, and the endpoint that serves it.

Each surface describes its own operations in a module beside its endpoints; what tables of checks say already is taken
from them. https://spec.openapis.org/oas/v3.1.1.html
"""

PATH = "/openapi.json"
