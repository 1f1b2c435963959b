"""`make verify`: whether a stack on a live cluster answers requests, asked through the API server's proxy.

Read-only but for the requests that it sends. `make smoke` asks the same questions with the same code.
"""
