"""Fetching a saved tokenizer from a Hugging Face hub, and putting one there."""

from __future__ import annotations

import os
import re
from typing import Any

from gtok.config import CONFIG_FILE, EXCLUDE_FILE, PLAIN_UNIVERSE_FILE, UNIVERSE_FILE
from gtok.errors import ConfigError

# Any of these makes a tokenizer; the others go with it. Weights are none of them.
_STARTS = (CONFIG_FILE, UNIVERSE_FILE, PLAIN_UNIVERSE_FILE)
FILES = (
    *_STARTS, EXCLUDE_FILE, "tokenizer_config.json", "added_tokens.json", "special_tokens_map.json",
)  # fmt: skip

_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)


def fetch(
    name: str | os.PathLike[str],
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> str:
    """Download the files of a tokenizer from a hub, unless they are in the cache already.

    The download is huggingface_hub's own: its cache, its progress bars, the token that it saved,
    and its variables, ``HF_ENDPOINT`` and ``HF_HUB_OFFLINE`` say, are in use. Only the files that
    a tokenizer consists of are fetched, and none is executed.

    Parameters
    ----------
    name : str
        The repository, ``owner/name``.
    revision : str, optional
        A branch, a tag, or a commit by its full id; without it, the main branch.
    token : str or bool, optional
        For private and gated repositories; False sends none, not even a saved one.
    cache_dir : str or path, optional
        Another cache than huggingface_hub's.
    local_files_only : bool
        Take what is in the cache, and ask no hub.
    force_download : bool
        Download what is in the cache once more.

    Returns
    -------
    str
        The folder with the files.

    Raises
    ------
    FileNotFoundError
        If it is no name of a repository, or there is no such repository or revision, or it is
        not in the cache and nothing may be fetched.
    PermissionError
        If the repository is gated, or the token is refused.
    ConnectionError
        If the hub cannot be asked, and the files are not in the cache.
    ConfigError
        If the repository holds no tokenizer.
    ImportError
        If huggingface_hub is not installed.

    Examples
    --------
    >>> from gtok.hub import fetch
    >>> folder = fetch("owner/name", revision="v1")  # doctest: +SKIP
    """
    no_name = FileNotFoundError(
        f"expected a folder, or owner/name, a repository on a hub, found {os.fspath(name)!r}"
    )
    if not isinstance(name, str) or not _NAME.fullmatch(name) or os.path.isfile(name):
        raise no_name
    try:
        from huggingface_hub import constants, errors, snapshot_download
    except ModuleNotFoundError:
        raise ImportError(
            f"{name!r} is no folder here, and a hub needs huggingface_hub: pip install 'gtok[hf]'"
        ) from None
    where = f"{constants.ENDPOINT}/{name}"
    not_cached = FileNotFoundError(
        f"{where}, revision {revision or 'main'!r}, is not in the cache: fetch it once without "
        "local_files_only=True and without HF_HUB_OFFLINE"
    )
    offline = local_files_only or constants.HF_HUB_OFFLINE
    try:
        folder: str = snapshot_download(
            name,
            revision=revision,
            token=token,
            cache_dir=None if cache_dir is None else os.fspath(cache_dir),
            local_files_only=local_files_only,
            force_download=force_download,
            allow_patterns=list(FILES),
        )
    except errors.HFValidationError:
        raise no_name from None
    except errors.GatedRepoError:
        raise PermissionError(
            f"{where} is gated: ask for access on its page, and give token="
        ) from None
    except errors.RepositoryNotFoundError:
        raise FileNotFoundError(
            f"{name!r} is no folder here, and no repository that you may read at {where}: "
            "private and gated ones need token="
        ) from None
    except errors.RevisionNotFoundError:
        raise FileNotFoundError(
            f"{where}: expected revision as a branch, a tag or the full id of a commit, "
            f"found {revision!r}"
        ) from None
    except errors.LocalEntryNotFoundError as error:
        if offline:
            raise not_cached from None
        cause = str(error.__cause__ or error).strip().partition("\n")[0]
        raise ConnectionError(
            f"{where} cannot be fetched, and is not in the cache: {cause}"
        ) from None
    except errors.HfHubHTTPError as error:
        if error.response.status_code != 401:
            raise
        raise PermissionError(
            f"{where}: the hub refuses the token: check the one that you gave or saved"
        ) from None
    if not any(os.path.isfile(os.path.join(folder, file)) for file in _STARTS):
        if offline:
            raise not_cached
        raise ConfigError(f"{where}: expected one of {', '.join(_STARTS)} in it, found none")
    return folder


def upload(
    folder: str | os.PathLike[str],
    name: str,
    *,
    message: str,
    private: bool | None = None,
    token: str | bool | None = None,
    revision: str | None = None,
    create_pr: bool = False,
) -> Any:
    """Put the files of a folder into a repository, which is made if it is not there.

    A README that the repository has already is left alone. The rest is as huggingface_hub's
    ``upload_folder`` has it, its errors included.

    Returns
    -------
    huggingface_hub.CommitInfo
    """
    from huggingface_hub import HfApi

    api = HfApi(token=token)
    name = api.create_repo(name, private=private, exist_ok=True).repo_id
    if revision is not None and not create_pr:
        api.create_branch(name, branch=revision, exist_ok=True)
    has_readme = api.file_exists(name, "README.md", revision=revision)
    return api.upload_folder(
        repo_id=name,
        folder_path=folder,
        commit_message=message,
        revision=revision,
        create_pr=create_pr,
        ignore_patterns=["README.md"] if has_readme else None,
    )
