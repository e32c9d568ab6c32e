"""The evidence of an epoch to download: each file alone, or all of them as one tar file made while it is sent."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from rewards.models import Epoch
from rewards.selectors.evidence import evidence_folder, evidence_paths
from rewards.selectors.programs import epoch_get
from rewards.views.pages import missing_is_404

CHUNK_BYTES = 1 << 20
_TAR_BLOCK = 512


def bundle_name(*, slug: str, number: int) -> str:
    """Name the folder inside the tar file."""
    return f"{slug}-{number}"


@require_safe
@missing_is_404
def evidence_tar(_request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """Send the whole evidence; the same bytes at every download."""
    name = bundle_name(slug=slug, number=number)
    return _tar_response(_folder_of(epoch_get(slug=slug, number=number)), name=name)


def evidence_response(*, evidence_name: str, name: str) -> HttpResponseBase:
    """Send a folder of evidence as a tar file with `name` as its folder. Raises Http404 when it isn't here."""
    folder = evidence_folder(evidence_name=evidence_name)
    if folder is None:
        raise Http404("This evidence is not on this machine.")
    return _tar_response(folder, name=name)


def _tar_response(folder: Path, *, name: str) -> HttpResponseBase:
    response = StreamingHttpResponse(_tar(folder, prefix=name), content_type="application/x-tar")
    response["Content-Disposition"] = f'attachment; filename="{name}.tar"'
    return response


@require_safe
@missing_is_404
def evidence_file(_request: HttpRequest, slug: str, number: int, name: str) -> HttpResponseBase:
    """Send one file of the evidence."""
    folder = _folder_of(epoch_get(slug=slug, number=number))
    path = next((path for path in evidence_paths(folder=folder) if path.name == name), None)
    if path is None:
        raise Http404(f"The evidence of epoch {number} has no file of that name.")
    return FileResponse(path.open("rb"), as_attachment=True, filename=name)


def _folder_of(epoch: Epoch) -> Path:
    folder = evidence_folder(evidence_name=epoch.evidence_name)
    if folder is None:
        raise Http404(f"Epoch {epoch.number} has no evidence yet: it is written when the epoch has been scored.")
    return folder


def _tar(folder: Path, *, prefix: str) -> Iterator[bytes]:
    for path in evidence_paths(folder=folder):
        info = tarfile.TarInfo(name=f"{prefix}/{path.name}")
        info.size = path.stat().st_size
        yield info.tobuf(format=tarfile.PAX_FORMAT)
        yield from _content(path)
        yield bytes(-info.size % _TAR_BLOCK)
    yield bytes(2 * _TAR_BLOCK)


def _content(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
