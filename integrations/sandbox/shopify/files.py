"""Shopify's file storage: results of bulk operations and staged uploads, reached without a token as in production."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from werkzeug.utils import send_file
from werkzeug.wrappers import Request, Response

from integrations.sandbox.connection import Answer
from integrations.sandbox.shopify.shop import Shop

if TYPE_CHECKING:
    from integrations.sandbox.shopify.app import ShopifyApp

_PATH = re.compile(r"/([^/]+)/([^/]+)\Z")


class ShopifyFiles:
    """Serves `/shopify-files/{shop}/{name}` and takes `/shopify-files/{shop}/upload`."""

    def __init__(self, app: ShopifyApp) -> None:
        self._app = app

    def operation(self, request: Request) -> tuple[str, str]:
        """(shop, `GET /shopify-files` or `POST /shopify-files`)."""
        parts = request.path.strip("/").split("/")
        return (parts[1] if len(parts) > 1 else ""), f"{request.method} /shopify-files"

    def handle(self, request: Request, path: str) -> Response:
        """A result file (ranges are honoured), 403 once it expired, or the outcome of an upload: 201."""
        found = _PATH.match(path)
        shop = self._app.shop(found[1]) if found else None
        if found is None or shop is None:
            return _xml("NoSuchKey", "The specified key does not exist.", 404)
        if found[2] == "upload" and request.method == "POST":
            return self._upload(request, shop)
        file = self._app.bulk.file(found[2])
        if file is None:
            if self._app.bulk.knows(found[2]):
                return _xml("ExpiredToken", "The provided token has expired.", 403)
            return _xml("NoSuchKey", "The specified key does not exist.", 404)
        return send_file(file, request.environ, mimetype="application/jsonl", conditional=True, etag=False, max_age=0)

    def _upload(self, request: Request, shop: Shop) -> Response:
        staged = shop.uploads.get(request.form.get("key", ""))
        file = request.files.get("file")
        if staged is None or request.form.get("policy") != staged.policy:
            return _xml("AccessDenied", "The form fields are not those that stagedUploadsCreate gave.", 403)
        if file is None:
            return _xml("InvalidArgument", "The form has no field named file.", 400)
        target = self._app.bulk.folder() / f"upload-{staged.policy}.jsonl"
        file.save(target)
        staged.path, staged.size = target, target.stat().st_size
        body = f"<?xml version='1.0' encoding='UTF-8'?><PostResponse><Key>{staged.key}</Key></PostResponse>"
        return Answer(body, int(request.form.get("success_action_status", "201")), mimetype="application/xml")


def _xml(code: str, message: str, status: int) -> Answer:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(body, status, mimetype="application/xml")
