"""The OAuth endpoints that an app's server calls: token, introspect, revoke, and uninstall.

Parameters come in a form-encoded body; those in the address are not read.
Source: developers.hubspot.com, "Manage OAuth access tokens" (2026-03 and later).
"""

from __future__ import annotations

from datetime import datetime

from werkzeug.wrappers import Request

from integrations.sandbox.hubspot.call import ApiCall, Json, Reply
from integrations.sandbox.hubspot.grants import ACCESS_LIFETIME, Grants
from integrations.sandbox.hubspot.refusals import Refusal, invalid
from integrations.sandbox.hubspot.state import Portal


def token(request: Request, grants: Grants, now: datetime) -> Reply:
    """Tokens for a code or for a refresh token; wrong credentials are a 400 that names what is wrong."""
    form = _form(request)
    grants.require_client(form.get("client_id"), form.get("client_secret"))
    kind = form.get("grant_type")
    if kind == "authorization_code":
        access, refresh, grant = grants.exchange(form.get("code"), form.get("redirect_uri"), form.get("code_verifier"), now)
    elif kind == "refresh_token":
        access, refresh, grant = grants.refresh(form.get("refresh_token"), now)
    else:
        refusal = Refusal(400, "missing or unknown grant type")
        refusal.body = {
            "status": "BAD_GRANT_TYPE",
            "message": "missing or unknown grant type",
            "error": "unsupported_grant_type",
            "error_description": "missing or unknown grant type",
        }
        raise refusal
    return Reply(
        {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": int(ACCESS_LIFETIME.total_seconds()),
            "token_type": "bearer",
            "hub_id": grant.hub_id,
            "user_id": grant.user_id,
            "scopes": list(grant.scopes),
            "token_use": "access_token",
        }
    )


def introspect(request: Request, grants: Grants, now: datetime, portals: dict[int, Portal], app_id: int) -> Reply:
    """Whether a token is alive and what it stands for; an unknown one is `{"active": false}`."""
    form = _form(request)
    grants.require_client(form.get("client_id"), form.get("client_secret"))
    given = form.get("token") or ""
    known = grants.introspect(given, now)
    if known is None:
        return Reply({"active": False})
    kind, grant, expires_at = known
    body: Json = {
        "active": True,
        "token": given,
        "token_type": "bearer",
        "token_use": kind,
        "client_id": form.get("client_id"),
        "app_id": app_id,
        "hub_id": grant.hub_id,
        "hub_domain": portals[grant.hub_id].domain,
        "user_id": grant.user_id,
        "user": f"owner@{portals[grant.hub_id].domain}",
        "scopes": list(grant.scopes),
        "is_private_distribution": False,
    }
    if expires_at is not None:
        body["expires_in"] = int((expires_at - now).total_seconds())
    return Reply(body)


def revoke(request: Request, grants: Grants) -> Reply:
    """End a token; 200 for an unknown one too. Revoking does not uninstall."""
    form = _form(request)
    grants.require_client(form.get("client_id"), form.get("client_secret"))
    if not form.get("token"):
        raise invalid("The form field 'token' is missing.")
    grants.revoke(form["token"])
    return Reply({})


def uninstall(call: ApiCall, grants: Grants) -> Reply:
    """Remove the app from the token's portal (204): all its tokens end."""
    grants.uninstall(call.portal.hub_id)
    return Reply(None, 204)


def _form(request: Request) -> dict[str, str]:
    return request.form.to_dict() if request.mimetype == "application/x-www-form-urlencoded" else {}
