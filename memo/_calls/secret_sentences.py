r"""Passwords and keys that sentences give: `the password is …`, `log in as root with …`, `use password …`.

Rows as in `secret_shapes`. What is said without a verb or a colon counts only if it is no word with a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from memo._calls.secret_forms import CHOSEN, PASSWORD, RANDOM, Form

__all__ = ["CHECKS", "ROWS"]

ROWS = r"""
password-in-prose               assword\x20~(?:is|was|to|set|has|will|should|changed|reset)[\s:],assword's\x20,assword\u2019s\x20,assphrase\x20~(?:is|was|to|set|has|will)[\s:],asscode\x20is,pwd\x20~(?:is|was|to|has),pw\x20~(?:is|was|to|has),PW\x20~(?:is|was|to|has) \b(?:[Pp]ass(?:word|phrase|code)|pwd|pw|PW)(?:['\u2019]s|\ (?:is|was|to|should\ be|will\ be|is\ (?:now|still|currently)|(?:has\ been\ |was\ )?(?:re)?(?:set|changed)\ to)):?\s{1,2}[`"'*]{0,3}(?P<secret>[^\s`"'*<>(){}\[\],;][^\s`"'<>(){}\[\],;]{5,255})
password-used                   se\x20pass~(?:word|phrase)?\s,sing\x20pass~(?:word|phrase)?\s,ith\x20~(?:the\s|this\s)?pass(?:word|phrase)?\s \b(?:[Uu]se|[Uu]sing|[Ww]ith|and)\ (?:the\ |this\ )?(?:password|passphrase|pass)\s{1,2}[`"'*]{0,3}(?P<secret>[^\s`"'*<>(){}\[\],;\\][^\s`"'<>(){}\[\],;\\]{5,255})
password-after-word             assword\x20~[^\s]*[0-9!#$%^&*?],assphrase\x20~[^\s]*[0-9!#$%^&*?] \b[Pp]ass(?:word|phrase)\s{1,2}[`"'*]{0,3}(?P<secret>[^\s`"'*<>(){}\[\],;\\][^\s`"'<>(){}\[\],;\\]{5,255})
login-in-prose                  og\x20in\x20~(?:as|with|using)\s,ogs\x20in\x20~(?:as|with|using)\s,ogged\x20in\x20~(?:as|with|using)\s,ogging\x20in\x20~(?:as|with|using)\s,igned\x20in\x20~(?:as|with|using)\s,ogin\x20~(?:as|with|using)\s,ign\x20in\x20~(?:as|with|using)\s \b(?:[Ll]og(?:s|ged|ging)?\ ?in|[Ss]ign(?:ed)?\ in)\ (?:as|with|using)\ (?:(?:my|the|our|this)\ )?(?:(?:account|user(?:name)?|email)\ )?[`"']?[\w.@-]{1,64}[`"']?,?\ (?:and|with|/)\ (?:the\ )?(?:pass(?:word)?\ )?[`"'*]{0,3}(?P<secret>[^\s`"'*<>(){}\[\],;\\][^\s`"'<>(){}\[\],;\\]{5,255})
credentials-in-prose            reds~(?::|\sare)\s,redentials~(?::|\sare)\s,ogin~(?::|\sis)\s[\w.@-]+\s?/ \b(?:[Cc]reds|[Cc]redentials|[Ll]ogin)(?::|\ are|\ is)\ {1,2}[`"']?[\w.@-]{1,64}\s?[/:]\s?(?P<secret>[^\s`"'*<>(){}\[\],;\\][^\s`"'<>(){}\[\],;\\]{5,255})
password-in-brackets            assword\x20(,assphrase\x20(,asscode\x20( \b[Pp]ass(?:word|phrase|code)\ \((?P<secret>[^\s"'\\()]{8,256})\)
token-in-brackets               ey\x20(~[^\s]{20},oken\x20(~[^\s]{20},ecret\x20(~[^\s]{20} \b(?:[Kk]ey|[Tt]oken|[Ss]ecret)\ \((?P<secret>[^\s"'\\()]{20,512})\)
token-in-prose                  ey\x20~(?:is|to)[\s:],oken\x20~(?:is|to)[\s:],ecret\x20~(?:is|to)[\s:],EY\x20is,\x20asked\x20for:,\x20below:,\x20here: \b(?:[Kk]ey|KEY|[Tt]oken|[Ss]ecret)\ (?:(?:is|to):?|(?:[a-z]{1,12}\ ){0,4}(?:asked\ for|below|here):)\s{1,2}[`"'*]{0,3}(?P<secret>[^\s`"'*<>(){}\[\],;]{16,512})
"""
_DESCRIBED = ("ed", "ing", "able")
"""How a word ends that says how a password is: `base64-encoded`."""


def _is_said(form: Form, found: re.Match[str]) -> bool:
    """Return whether what a sentence says of a password is one."""
    word = found["secret"].rstrip(".!?:*")
    return form(word) and not word.endswith(_DESCRIBED)


CHECKS: dict[str, Callable[[re.Match[str]], bool]] = {
    **dict.fromkeys(("password-in-prose", "password-used"), lambda found: _is_said(PASSWORD, found)),
    **dict.fromkeys(
        ("password-after-word", "password-in-brackets", "login-in-prose", "credentials-in-prose"),
        lambda found: _is_said(CHOSEN, found),
    ),
    **dict.fromkeys(("token-in-prose", "token-in-brackets"), lambda found: RANDOM(found["secret"].rstrip(".!?:"))),
}
"""What is more to be true of what some expressions match."""
