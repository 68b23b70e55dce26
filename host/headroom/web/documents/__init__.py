"""What the API answers, as types; every number has its unit in its name.

The same types shape the answers and their description in the OpenAPI document.
"""
