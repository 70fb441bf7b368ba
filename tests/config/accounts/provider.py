"""An OpenID Connect provider on a real socket: it signs what a test says about a person."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey

from config.dev.sandbox.http_server import Reply, json_reply

if TYPE_CHECKING:
    from config.dev.sandbox.http_server import Request

CLIENT, SECRET = "redrive", "the-client-secret"


class Provider:
    """`claims` go into the next token; `changes` spoil it. `url` is set once it runs."""

    prefix = ""

    def __init__(self) -> None:
        self.url = ""
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.signing_key = self.key
        self.claims: dict[str, Any] = {}
        self.changes: dict[str, Any] = {}
        self.asked: dict[str, dict[str, str]] = {}  # by code

    def handle(self, request: Request) -> Reply:
        match request.path:
            case "/.well-known/openid-configuration":
                return json_reply(self.metadata())
            case "/jwks":
                return json_reply({"keys": [self.key.as_dict(private=False)]})
            case "/authorize":
                return self.authorize(request.query)
            case "/token":
                return self.token(request)
        return Reply(404)

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def authorize(self, query: dict[str, str]) -> Reply:
        """Send the browser back at once: the person has logged in here before."""
        code = secrets.token_hex(8)
        self.asked[code] = query
        back = urlencode({"code": code, "state": query["state"]})
        return Reply(302, headers=[("Location", f"{query['redirect_uri']}?{back}")])

    def token(self, request: Request) -> Reply:
        form = dict(parse_qsl(request.body.decode()))
        asked = self.asked.pop(form.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or request.headers.get("authorization") != f"Basic {basic}"
        ):
            return Reply(400, json.dumps({"error": "invalid_grant"}).encode())
        now = int(time.time())
        standard = {
            "iss": self.url, "aud": CLIENT, "sub": "1", "nonce": asked["nonce"], "iat": now,
            "exp": now + 300,
        }  # fmt: skip
        claims = {
            k: v for k, v in (standard | self.claims | self.changes).items() if v is not None
        }
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signing_key)
        return json_reply({"access_token": "a", "token_type": "Bearer", "id_token": token})
