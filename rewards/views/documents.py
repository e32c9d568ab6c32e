"""The documentation under /docs/: files of the built site, and of nothing else."""

import mimetypes
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

INDEX: Final = "index.html"
SOURCE_MAP: Final = ".map"
_TYPES: Final = {".js": "text/javascript", ".json": "application/json", ".svg": "image/svg+xml", ".css": "text/css"}
"""By us, since the machine's own table may say otherwise."""


@require_safe
def document(request: HttpRequest, path: str = "") -> HttpResponseBase:
    """Send one file of the site; a folder is its index.html. Without a built site, say how to build it."""
    files = built_files(root=Path(settings.DOCS_SITE))
    if files is None:
        return render(request, "public/no_documents.html", status=404)
    name = path + INDEX if path == "" or path.endswith("/") else path
    if name not in files:
        if f"{path}/{INDEX}" in files:
            return redirect("documents-page", path=f"{path}/", permanent=True)
        raise Http404(path)
    return _sent(request, files, name)


def built_files(*, root: Path) -> Mapping[str, Path] | None:
    """Return the site's files by their path below /docs/, None when nothing is built. Listed anew after each build."""
    try:
        built_ns = (root / INDEX).stat().st_mtime_ns
    except OSError:
        return None
    return _listed(root, built_ns)


@lru_cache(maxsize=2)
def _listed(root: Path, built_ns: int) -> Mapping[str, Path]:
    """List every file once: a path that is not in the list leads nowhere, whatever dots it holds."""
    found = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(root).as_posix(): path for path in found if path.suffix != SOURCE_MAP}


def _sent(request: HttpRequest, files: Mapping[str, Path], name: str) -> HttpResponseBase:
    packed = files.get(f"{name}.gz") if "gzip" in request.headers.get("Accept-Encoding", "") else None
    file = packed or files[name]
    try:
        facts = file.stat()
    except OSError as error:  # a new build is taking its place
        raise Http404(name) from error
    etag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}{"-gzip" if packed else ""}"'
    found = get_conditional_response(request, etag=etag, last_modified=int(facts.st_mtime))
    if found is not None:
        return _labelled(found, etag)
    suffix = Path(name).suffix
    kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    response = HttpResponse(
        file.read_bytes(), content_type=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    )
    if packed:
        response["Content-Encoding"] = "gzip"
    return _labelled(response, etag)


def _labelled(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    """Have browsers ask each time whether it is still the same: pages change with every release."""
    response["ETag"] = etag
    response["Cache-Control"] = "public, no-cache"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response
