"""Names and passwords in addresses: neither shown nor written, and refused where they are typed."""

import re

# All before an @ where a host is expected, also a password with a slash; not a port and a path.
_BEFORE_HOST = re.compile(r"://(?:[^\s/]*|[^\s/:]*:(?!\d+/)\S*)@")
_IN_QUERY = re.compile(
    r"(://[^\s?]*)\?\S*(?:user|username|password|passwd|pwd|token)=\S*", re.IGNORECASE
)


def public(text: str) -> str:
    """An address, or a text with addresses, without the names and passwords they may carry."""
    return _IN_QUERY.sub(r"\1", _BEFORE_HOST.sub("://", text))


def public_address(uri: str) -> str:
    """The same of what should be an address: its ``http://`` may have been forgotten."""
    return public(uri) if "://" in uri else public(f"://{uri}").removeprefix("://")


def problems(key: str, text: str) -> list[str]:
    """A line, which does not repeat them, where a setting carries a name or password."""
    shown = public_address if key.endswith("uri") else public
    if shown(text) == text:
        return []
    return [
        f"{key} carries a name or password, which would stand in the study's files:"
        " set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment"
    ]
