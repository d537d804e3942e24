"""A good config to begin with, and the machine on which it is read."""

import base64
from collections.abc import Mapping

KEY = "api-key-that-nobody-sees"
WHSEC = "whsec_" + base64.b64encode(b"nobody sees this signing key, as").decode()
ENVIRON: Mapping[str, str] = {"HOME": "/home/somebody", "KEY": KEY, "WHSEC": WHSEC, "EMPTY": ""}

POSTS = """
[[sources]]
name = "posts"
provider = "upload_post"
api_key = { env = "KEY" }
"""
MEDIA = """
[[sources]]
name = "media"
provider = "xenonflare"
api_key = { env = "KEY" }
"""
APP = """
[[endpoints]]
name = "app"
url = "https://app.example.com/hooks"
secrets = [{ env = "WHSEC" }]
"""
GOOD = POSTS + APP
