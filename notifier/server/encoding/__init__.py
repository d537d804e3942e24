"""POST /encoding: Encoding.com's own read API, over our snapshot."""
