"""Fetch the CRD files that a release line pins, so that plans need no network.

On a machine with a network they come from the projects' repositories at the pinned tag; the lab takes the same files
from the Go modules that it builds. Either way the checksum decides.
"""

from collections.abc import Callable

import httpx

from operate.errors import OperateError
from releases import CrdBundle, CrdFile, Release
from releases.crd_store import CrdFilesMissingError, missing_files, store

__all__ = ["Source", "fetch_crds", "from_release_url"]

Source = Callable[[CrdBundle, CrdFile], bytes]
"""Where a file's bytes come from."""

_TIMEOUT_SECONDS = 30


def from_release_url(bundle: CrdBundle, file: CrdFile) -> bytes:
    """The file from its project's repository."""
    url = bundle.url(file)
    try:
        response = httpx.get(url, timeout=_TIMEOUT_SECONDS, follow_redirects=True)
        response.raise_for_status()
    except httpx.HTTPError as error:
        raise OperateError(f"{url} cannot be fetched: {error}") from error
    return response.content


def fetch_crds(release: Release, source: Source, say: Callable[[str], None]) -> int:
    """Store every file of the line that is missing; returns how many there were.

    Raises:
        OperateError: if a file cannot be had or is not the one that the line pins.
    """
    missing = missing_files(release)
    bundle_of = {file: bundle for bundle in release.crd_bundles for file in bundle.files}
    for file in missing:
        bundle = bundle_of[file]
        say(f"{bundle.name} {bundle.version}: {file.path.rpartition('/')[2]}")
        try:
            store(file, source(bundle, file))
        except CrdFilesMissingError as error:
            raise OperateError(str(error)) from error
    return len(missing)
