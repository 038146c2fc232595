"""Names of credentials: which parameter, field or header holds one, judged by the words of its name.

| a name | what counts as a credential under it |
|---|---|
| `password`, `db_password`, `githubToken`, `X-Api-Key`, `client_secret` | any text |
| `token`, `secret`, `stripe_key`, `key`, `pass`, `auth`: data as often as not | what has the form of one: see `secret_forms` |
| `max_tokens`, `token_count`, `next_page_token`, `key_id`, `secret_santa` | nothing |
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from memo._calls import secret_languages
from memo._calls.secret_expressions import Expression
from memo._calls.secret_forms import ANY, CHOSEN, CODE, LOGIN, PASSWORD, PHRASE, RANDOM, TOKEN, Form, stronger

__all__ = [
    "describes",
    "holds_headers",
    "judge",
    "judge_after",
    "judge_below",
    "judge_group",
    "plain_name",
    "plain_names",
]

_LONGEST = 128
_WORD = Expression(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EXACT = _words(
    "authheader awsaccesskeyid credential creds domainsecrets pgpassfile proxyauth seedphrase mnemonicphrase secretphrase "
    "recoveryphrase recoverycode recoverycodes backupcodes xauth basicauth httpauth httpbasicauth samlresponse samlassertion "
    "jsessionid phpsessid aspnetsessionid connectsid aspsessionid"
)
"""Names, written as one word, that hold nothing else."""

_ENDINGS = (
    "password passwords passwd passphrase authorization credentials cookie cookies apikey apikeys apisecret apitoken "
    "accesstoken accesstokens accesskey accesskeys secretaccesskey authtoken authkey bearertoken clientsecret clientkey "
    "consumersecret consumerkey appsecret appkey encryptionkey decryptionkey idtoken masterkey oauthtoken privatekey "
    "privatekeys privatetoken publishkey refreshtoken refreshtokens secretkey secretkeys secrettoken serviceaccountkey "
    "servicekey servicerolekey sessioncookie sessiontoken sharedkey sharedaccesskey signingkey signingsecret sshkey "
    "storagekey accountkey subscriptionkey deploykey licensekey hmackey hmacsecret jwtsecret jwttoken webhooksecret "
    "userpass dbpass sshpass databasepass smtppass mysqlpass pgpass ftppass rootpass adminpass csrftoken xsrftoken "
    "privkey aeskey fernetkey secretboxkey unsealkey sessionkey recoverykey activationkey tlskey sslkey certkey "
    "authsalt loggedinsalt noncesalt codeverifier oauthverifier clientassertion sharedaccesssignature securityanswer secretanswer passwordhash passwdhash "
    "pwdhash clientkeydata"
).split()
"""How a name ends, written as one word, that holds nothing else."""

_TOKENS = _words(
    "access api auth bearer bot app oauth oauth2 personal pat github gitlab gh gl slack discord telegram hf huggingface "
    "npm pypi jwt csrf xsrf sas security service session vault deploy deployment login user account admin device push "
    "reset invite verification verify confirmation activation registry docker aws azure gcp google openai anthropic "
    "groq tavily cohere mistral replicate cloudflare heroku vercel netlify sentry datadog stripe twilio sendgrid linear "
    "notion figma jira circleci travis buildkite codecov sonar snyk npmjs artifactory docusign dropbox private remember "
    "magic sso saml mfa refresh id client secret upload download signing impersonation identity x proxy webhook root kube "
    "k8s job dockerhub authentication authenticity unsubscribe firebase fcm apns sas me password"
)
"""`<word> token` is a credential."""

_NO_SECRETS = _words("top trade open is has no dark family best old")
"""`<word> secret` is none."""

_NO_TOKENS = _words(
    "page next previous prev continuation continue cursor sync eos bos sos pad padding sep cls mask unk unknown stop start "
    "end begin special first last max min prompt completion input output cached cache reasoning total num number count "
    "content sub think thinking image audio text video tool per each new target source word decoder encoder draft "
    "accepted rejected pagination list scroll top best current"
)
"""`<word> token` is data."""

_PATS = _words("github gh gitlab gl azure ado devops personal databricks jira atlassian docker figma")
"""`<word> pat` is a personal access token."""

_CODES = _words(
    "otp totp mfa sms verification verify auth authorization authentication login device onetime time recovery backup 2fa fa pass"
)
"""`<word> code` is a credential, for a while."""

_KEYS_OF_DATA = _words(
    "public primary foreign sort partition cache object row group hash index dict json map idempotency natural composite "
    "candidate unique range lookup routing shard join column field column metadata state event dedupe deduplication "
    "translation message i18n locale arrow hot short shortcut enter escape tab function left right up down any press "
    "pressed first last next previous answer musical major minor prompt block image file bucket s3 sorting ordering "
    "grouping memo recording storage entry item parent child node tree registry config setting option sub registry param "
    "parameter argument query path url blob redis data keyword feature"
)
"""`<word> key` is data."""

_QUESTIONS = _words(
    "is has had have use uses no not show hide forgot forgotten need needs require requires required allow enable "
    "enabled disable disabled with without supports can should must validate check max min num count number total"
)
"""A name that begins so is a flag or a number."""

_TAILS = _words(
    "value string text plain plaintext raw header confirm confirmation again base encoded encrypted b64 pem env current "
    "old new prod production dev development test testing staging live primary secondary default main backup v"
)
"""What a name may end in and still be the name of what comes before it."""

_DESCRIBING = _words(
    "id ids name names type types object kind status state role roles user username owner scope scopes title label "
    "description created updated expires expiry url uri href email provider issuer algorithm alg version prefix region "
    "kid kty crv n x y"
)
_HEADERS = _words("header headers cookie cookies environ env metadata trailers")


@lru_cache(maxsize=4096)
def judge(name: str, more: frozenset[str] = frozenset(), fewer: frozenset[str] = frozenset()) -> Form | None:
    """Return the form that a credential has under a name, None if the name holds none.

    `more` extends the names that hold nothing else, `fewer` names those that hold none: as `plain_names` gives them.
    """
    plain = plain_name(name)
    if plain in more:
        return ANY
    if plain in fewer or len(name) > _LONGEST or "\n" in name or "::" in name:  # `AWS::IAM::AccessKey` is a type
        return None
    words = [word.lower() for word in _WORD.findall(name)]
    while len(words) > 1 and (words[-1].isdigit() or words[-1] in _TAILS):
        words.pop()
    if not words:
        return None if name.isascii() else secret_languages.judge(name)
    if len(words) > 1 and words[0] in _QUESTIONS and name.isascii():
        return None
    joined = "".join(words)
    if "public" in words and words[-1] in ("key", "keys"):
        return None
    if joined in _EXACT or plain in _EXACT or plain.endswith("connectionstring") or joined.endswith(tuple(_ENDINGS)):
        return ANY
    return secret_languages.judge(name) or _ambiguous(words)


def _ambiguous(words: list[str]) -> Form | None:
    """Judge a name by its last word, and by what comes before that."""
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    match last:
        case "token":
            return None if before in _NO_TOKENS else ANY if before in _TOKENS else TOKEN
        case "tokens":  # of a text, they are words
            return None if before in _NO_TOKENS else RANDOM
        case "secret" | "secrets":
            return None if before in _NO_SECRETS else ANY if before and last == "secret" else TOKEN
        case "key":
            return None if before in _KEYS_OF_DATA else TOKEN if before else RANDOM
        case "pass" | "passe" | "pwd" | "pw" | "psk" | "userpwd" | "rootpw" | "bindpw" | "storepass" | "keypass":
            return PASSWORD
        case "auth" | "login":
            return LOGIN
        case "otp" | "totp" | "pin" | "passcode":
            return CODE
        case "code":
            return CODE if before in _CODES else None
        case "pat":
            return ANY if before in _PATS else TOKEN
        case "bearer" | "jwt" | "oauth" | "authentication" | "apitokens" | "keys" | "csrf" | "xsrf" | "sessionid":
            return TOKEN
        case "mnemonic" | "seed" | "seedwords" | "words":
            return PHRASE
        case "tok":
            return TOKEN if before else None
        case "session" | "sid":
            return RANDOM
        case _:
            is_joined = last.endswith(("token", "secret")) and last not in ("subtoken", "pretoken", "detoken")
            return TOKEN if is_joined else None


def judge_after(before: str, name: str, form: Form | None) -> Form | None:
    """Return the form of a credential under a name of one word, by the word before it in a text: `API key`, `page token`."""
    before, name = before.lower(), name.lower()
    if (before + name).endswith(tuple(_ENDINGS)):
        return ANY
    match name:
        case "token":
            return None if before in _NO_TOKENS else ANY if before in _TOKENS else form
        case "key":
            return None if before in _KEYS_OF_DATA or before == "public" else form
        case "secret":
            return None if before in _NO_SECRETS else form
        case _:
            return form


def judge_below(
    name: str, outer: Form | None, more: frozenset[str] = frozenset(), fewer: frozenset[str] = frozenset()
) -> Form | None:
    """Return the form that a credential has under a name that is below another one; `outer` is the form under that one."""
    own = judge(name, more, fewer)
    if outer is None or describes(name):
        return own
    # Of what is grouped under `credentials` or `cookies`: what can be a credential, whatever else its name may hold.
    if own is None:
        return CHOSEN if outer in (TOKEN, RANDOM) else PASSWORD
    return stronger(own, outer)


def judge_group(
    name: str,
    member: object,
    outer: Form | None,
    more: frozenset[str] = frozenset(),
    fewer: frozenset[str] = frozenset(),
) -> Form | None:
    """Return the form of the credentials below a name that is a plural, or is below one: `secrets`, `tokens`.

    What is below a name that holds nothing but credentials is one whole.
    """
    if outer is not None:
        return judge_below(name, outer, more, fewer)
    form = judge(name, more, fewer) if type(member) is dict or type(member) is list else None
    return form if form in (TOKEN, RANDOM) else None


def describes(name: str) -> bool:
    """Return whether a field describes the credential that it stands beside, and is none itself: `id`, `created_at`."""
    words = [word.lower() for word in _WORD.findall(name)]
    return bool(words) and (words[-1] in _DESCRIBING or (words[-1] == "at" and len(words) > 1))


@lru_cache(maxsize=4096)
def holds_headers(name: str) -> bool:
    """Return whether pairs under a name are headers, cookies or variables: `headers`, `extra_headers`, `env`."""
    words = [word.lower() for word in _WORD.findall(name)]
    return bool(words) and words[-1] in _HEADERS


def plain_names(names: Iterable[str]) -> frozenset[str]:
    """Return names as `judge` compares them: in lower case, without `-`, `_` and what else separates words."""
    return frozenset(map(plain_name, names))


def plain_name(name: str) -> str:
    """Return a name as `judge` compares it."""
    return name.lower().replace("-", "").replace("_", "")
