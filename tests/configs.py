"""A good config to begin with, and the machine on which it is read."""

import base64
from collections.abc import Mapping

from notifier.providers import PROVIDERS

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
LEGACY = """
[[endpoints]]
name = "legacy"
url = "https://legacy.example.com/notify.php"
format = "encoding_com"
"""
ENCODINGS = """
[[sources]]
name = "encodings"
provider = "encoding_com"
user_id = "85296"
user_key = { env = "KEY" }
"""
DESCRIBED = """
[[sources]]
name = "jobs"
provider = "http_json"
base_url = "https://api.example.com/v2"
auth = { header = "Authorization", value = "Bearer {secret}", secret = { env = "KEY" } }
fields = { id = "id", status = "state" }
statuses = { waiting = "queued", later = "scheduled", done = "completed", error = "failed" }
"""
LIST = 'list = { url = "/jobs?limit=100&page={page}", items = "data.jobs", paging = "page", more = "data.has_more" }\n'
SINGLE = 'single = { url = "/jobs/{id}", item = "data" }\n'
GOOD = POSTS + APP
*MOST, LAST = (f'"{name}"' for name in PROVIDERS)
ANY_PROVIDER = f"{', '.join(MOST)} or {LAST}"
"""As it is told that one of them is expected."""
