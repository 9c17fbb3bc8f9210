"""What the chart lets each user of its Redis do."""

import re
from pathlib import Path

_USERS = Path(__file__).parents[2] / "charts" / "havuz" / "templates" / "redis" / "_users.tpl"


def rights_of(user: str) -> list[str]:
    """The rules of a user as the chart writes them, without its password."""
    found = re.search(rf'redisRights[.]{user}" -}}}}\n(?P<rules>.*)$', _USERS.read_text(), re.MULTILINE)
    assert found is not None, "the chart has no such user"
    return found["rules"].split()
