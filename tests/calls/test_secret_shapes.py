"""Shapes: what can be nothing but a credential is masked wherever it is; what looks a little like one is left alone."""

import base64
import json
import random
from typing import Any

import orjson
import pytest

from memo import recordable, recording
from memo._calls.secret_shapes import shapes
from memo._calls.secrets import MASK, mask, redact
from memo.stores import MemoryStore

_pick = random.Random(7)
HEX, LOWER, UPPER, WORD = (
    "0123456789abcdef",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "",
)
ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def h(size: int) -> str:
    return "".join(_pick.choices(HEX, k=size))


def a(size: int) -> str:
    return "".join(_pick.choices(ALNUM, k=size))


def u(size: int) -> str:
    return "".join(_pick.choices(UPPER, k=size))


def low(size: int) -> str:
    return "".join(_pick.choices(LOWER, k=size))


def d(size: int) -> str:
    return "".join(_pick.choices("0123456789", k=size))


UUID = f"{h(8)}-{h(4)}-{h(4)}-{h(4)}-{h(12)}"
JWT = f"eyJ{a(33)}.eyJ{a(60)}.{a(43)}"

SHAPES = {
    "openai": f"sk-{a(48)}",
    "openai project": f"sk-proj-{a(60)}_{a(20)}",
    "openai service account": f"sk-svcacct-{a(60)}",
    "openai admin": f"sk-admin-{a(60)}",
    "anthropic": f"sk-ant-api03-{a(93)}AA",
    "anthropic admin": f"sk-ant-admin01-{a(93)}AA",
    "openrouter": f"sk-or-v1-{h(64)}",
    "langfuse": f"sk-lf-{UUID}",
    "deepseek": f"sk-{h(32)}",
    "groq": f"gsk_{a(52)}",
    "cerebras": f"csk-{low(48)}",
    "together": f"tgp_v1_{a(43)}",
    "xai": f"xai-{a(80)}",
    "perplexity": f"pplx-{a(48)}",
    "replicate": f"r8_{a(37)}",
    "fireworks": f"fw_{a(24)}",
    "nvidia": f"nvapi-{a(64)}",
    "hugging face": f"hf_{a(34)}",
    "hugging face organization": "api_org_" + "aBcDeFgHiJ" * 3 + "abcd",
    "elevenlabs": f"sk_{h(48)}",
    "tavily": f"tvly-dev-{a(32)}",
    "pinecone": f"pcsk_{a(6)}_{a(60)}",
    "langsmith": f"lsv2_pt_{h(32)}_{h(10)}",
    "llamacloud": f"llx-{a(48)}",
    "jina": f"jina_{a(60)}",
    "firecrawl": f"fc-{h(32)}",
    "e2b": f"e2b_{h(40)}",
    "bedrock": f"ABSK{a(120)}",
    "aws access key": f"AKIA{u(16)}",
    "aws temporary key": f"ASIA{u(16)}",
    "google": f"AIza{a(35)}",
    "google oauth": f"ya29.{a(60)}",
    "google client secret": f"GOCSPX-{a(28)}",
    "google refresh token": f"1//0{a(50)}",
    "azure storage": f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={a(86)}==;EndpointSuffix=core.windows.net",
    "azure client secret": f"{a(3)}8Q~{a(34)}",
    "azure sas": f"https://a.blob.core.windows.net/c/b?sv=2024&sig={a(43)}%3D",
    "s3 signed url": f"https://b.s3.amazonaws.com/k?X-Amz-Signature={h(64)}",
    "alibaba": f"LTAI{a(20)}",
    "github": f"ghp_{a(36)}",
    "github oauth": f"gho_{a(36)}",
    "github app": f"ghs_{a(36)}",
    "github user": f"ghu_{a(36)}",
    "github refresh": f"ghr_{a(36)}",
    "github fine": f"github_pat_{a(22)}_{a(59)}",
    "gitlab": f"glpat-{a(20)}",
    "gitlab runner": f"glrt-{a(20)}",
    "gitlab deploy": f"gldt-{a(20)}",
    "gitlab trigger": f"glptt-{h(40)}",
    "atlassian": f"ATATT3{a(180)}",
    "bitbucket": f"ATBB{a(32)}",
    "slack bot": f"xoxb-{d(12)}-{d(12)}-{a(24)}",
    "slack user": f"xoxp-{d(12)}-{d(12)}-{d(12)}-{h(32)}",
    "slack app": f"xapp-1-A{u(10)}-{d(13)}-{h(64)}",
    "slack webhook": f"https://hooks.slack.com/services/T{u(8)}/B{u(10)}/{a(24)}",
    "discord bot": f"M{a(23)}.G{a(5)}.{a(38)}",
    "discord webhook": f"https://discord.com/api/webhooks/{d(18)}/{a(68)}",
    "telegram": f"{d(10)}:AA{a(33)}",
    "teams webhook": (f"https://acme.webhook.office.com/webhookb2/{UUID}@{UUID}/IncomingWebhook/{h(32)}/{UUID}"),
    "stripe live": f"sk_live_{a(24)}",
    "stripe test": f"sk_test_{a(24)}",
    "stripe restricted": f"rk_live_{a(24)}",
    "stripe webhook": f"whsec_{a(32)}",
    "square": f"sq0atp-{a(22)}",
    "shopify": f"shpat_{h(32)}",
    "shopify secret": f"shpss_{h(32)}",
    "braintree": f"access_token$production${low(16)}${h(32)}",
    "plaid": f"access-sandbox-{UUID}",
    "shippo": f"shippo_live_{h(40)}",
    "easypost": f"EZAK{a(54)}",
    "duffel": f"duffel_test_{a(43)}",
    "flutterwave": f"FLWSECK_TEST-{h(32)}-X",
    "twilio": f"SK{h(32)}",
    "sendgrid": f"SG.{a(22)}.{a(43)}",
    "mailgun": f"key-{h(32)}",
    "mailchimp": f"{h(32)}-us14",
    "brevo": f"xkeysib-{h(64)}-{a(16)}",
    "npm": f"npm_{a(36)}",
    "pypi": f"pypi-AgEIcHlwaS5vcmc{a(70)}",
    "rubygems": f"rubygems_{h(48)}",
    "clojars": f"CLOJARS_{low(60)}",
    "nuget": f"oy2{low(43)}",
    "docker hub": f"dckr_pat_{a(27)}",
    "artifactory": f"AKCp{a(69)}",
    "digitalocean": f"dop_v1_{h(64)}",
    "heroku": f"HRKU-AA{a(58)}",
    "fly": f"fo1_{a(43)}",
    "netlify": f"nfp_{a(36)}",
    "render": f"rnd_{a(28)}",
    "supabase": f"sbp_{h(40)}",
    "neon": f"napi_{low(60)}",
    "planetscale": f"pscale_tkn_{a(43)}",
    "databricks": f"dapi{h(32)}",
    "clickhouse": f"4b1d{a(38)}",
    "terraform": f"{a(14)}.atlasv1.{a(64)}",
    "vault": f"hvs.{a(95)}",
    "pulumi": f"pul-{h(40)}",
    "doppler": f"dp.pt.{a(43)}",
    "1password": f"ops_eyJ{a(260)}",
    "age": f"AGE-SECRET-KEY-1{'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L' * 2}"[:74],
    "tailscale": f"tskey-auth-{a(12)}-{a(32)}",
    "grafana": f"glsa_{a(32)}_{h(8)}",
    "grafana cloud": f"glc_{a(80)}",
    "new relic": f"NRAK-{u(27)}",
    "sentry": f"sntryu_{h(64)}",
    "dynatrace": f"dt0c01.{u(24)}.{u(64)}",
    "sonarqube": f"squ_{h(40)}",
    "buildkite": f"bkua_{h(40)}",
    "circleci": f"CCIPAT_{a(22)}_{h(40)}",
    "sourcegraph": f"sgp_{h(40)}",
    "linear": f"lin_api_{a(40)}",
    "notion": f"ntn_{d(11)}{a(35)}",
    "airtable": f"pat{a(14)}.{h(64)}",
    "figma": f"figd_{a(40)}",
    "postman": f"PMAK-{h(24)}-{h(34)}",
    "typeform": f"tfp_{a(44)}",
    "contentful": f"CFPAT-{a(43)}",
    "mapbox": f"sk.eyJ{a(70)}.{a(22)}",
    "prefect": f"pnu_{a(36)}",
    "openshift": f"sha256~{a(43)}",
    "facebook": f"EAAM{a(120)}",
    "bearer": f"Bearer {a(32)}",
    "basic": f"Basic {base64.b64encode(b'ann:hunter2-hunter2').decode()}",
    "jwt": JWT,
    "pem": f"-----BEGIN PRIVATE KEY-----\n{a(64)}\n{a(40)}\n-----END PRIVATE KEY-----",
    "pgp": f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{a(64)}\n-----END PGP PRIVATE KEY BLOCK-----",
    "postgres url": "postgres://ann:hunter2-hunter2@db.example.com:5432/x",
    "redis url": "redis://:hunter2-hunter2@cache/0",
    "mongo url": "mongodb+srv://ann:hunter2-hunter2@cluster0.example.net/?retryWrites=true",
}

QUOTED = {
    "json": '{"user": "ann", "api_key": "hunter2-hunter2"}',
    "json in json": '{"arguments": "{\\"password\\": \\"hunter2-hunter2\\"}"}',
    "json, cut": '{"user": "ann", "client_secret": "hunter2-hunter2',
    "python": "{'db_password': 'hunter2-hunter2', 'host': 'db'}",
    "a header": "GET / HTTP/1.1\r\nX-Api-Key: hunter2-hunter2\r\nAccept: */*",
    "a header, small": "x-auth-token: hunter2-hunter2",
    "authorization": "authorization: Token hunter2-hunter2",
    "a cookie": "Set-Cookie: sid=hunter2-hunter2; Path=/",
    "variables": "HOST=db\nDB_PASSWORD=hunter2-hunter2\nPORT=5432",
    "a form": "grant_type=password&client_id=7&client_secret=hunter2-hunter2&scope=x",
    "a word in a query": "see https://api.example.com/v1?x=1&api_key=hunterhunter2&q=x",
    "a query": "https://api.example.com/v1?api_key=hunter2-hunter2&q=x",
    "yaml": "user: ann\npassword: hunter2-hunter2\n",
    "code": 'client = Client(api_key="hunter2-hunter2", timeout=3)',
    "an option": "psql --password hunter2-hunter2 -h db",
    "an option with a dash": "tool --api-key hunter2-hunter2",
    "curl": "curl -u ann:hunter2-hunter2 https://example.com",
    "curl, quoted": "curl --user 'ann:hunter2-hunter2' https://example.com",
    "a DSN of Go": "ann:hunter2-hunter2@tcp(db:3306)/x",
    "netrc": "machine example.com login ann password hunter2-hunter2",
    "xml": "<db><password>hunter2-hunter2</password></db>",
    "php": "'password' => 'hunter2-hunter2',",
    "ruby": ':password => "hunter2-hunter2"',
    "prose": "Sure! Your password is hunter2-hunter2.",
    "prose, marked": "The passphrase is: `hunter2-hunter2`",
    "a cookie, small": "cookie: sid=hunter2hunter; theme=dark",
    "authorization, small": "Authorization: token hunter2-hunter2",
    "a url with an at sign": "postgres://ann:hunter2@hunter2@db/x",
    "a connection string": "Server=db;User Id=ann;Password=hunter2-hunter2;Encrypt=true",
}

ORDINARY = [
    "task-based desk-top risk-averse sk-learn mask-rcnn disk-abcdefghijklmnopqrstuvwxyz",
    "The bearer of good news, Bearer bonds, Basic information, basic authentication",
    "https://example.com/a?b=c#d mail ann@example.com see http://localhost:8080/x and write to a@b.c",
    "ssh://git@github.com/a/b https://user@example.com/ 10:30@noon, a:b@c",
    "eyJust a word. eyJ.eyJ.x AKIAnotakey ASIAN food xox- the game, hf_model, gsk_x, tvly-",
    "-----BEGIN PUBLIC KEY----- -----BEGIN CERTIFICATE-----",
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301 d41d8cd98f00b204e9800998ecf8427e",
    "password: see the safe; api_key=; token = tokenizer.encode(text); key=lambda x: x[1]",
    "sk-short ghp_short npm_config_cache pat.pending key-value API-first Mexico-city pulsar",
    "password=os.environ['DB_PASSWORD'] api_key=settings.api_key secret: str token: <token>",
    '{"api_key": "YOUR_API_KEY", "password": "<your password>", "token": "${TOKEN}", "secret": "string"}',
    '{"type": "object", "properties": {"password": {"type": "string"}}, "required": ["password"]}',
    "What is the secret: to be kind. The key: practice. A token: of love.",
    "max_tokens=1024 top_k=5 next_page_token=CAUQAA completion_tokens: 12",
    "meta-llama/Llama-3.2-3B-Instruct text-embedding-3-small-v1 claude-3-5-sonnet-20241022",
    "chatcmpl-9f8a7b6c5d4e3f2a1b0c req_011CTxxxxxxxxxxxxxxxxxxx msg_01XFDUDYJgAACzvnptvVoYEL",
    "def f(token: str, key: int = 0) -> None: return hashlib.sha256(key.encode()).hexdigest()",
    "SKU SK-1234 SKI SKill SKeleton SK8er",
    "The password is correct. The password is required! My password is: long, Your password is invalid",
    "Cookie: chocolate chip. Cookies: 2",
    "curl -u user https://x; ls -u a; sort --key 2; grep --token-count 12345678 --max-tokens 4096 --keyboard-layout qwerty1",
    "<key>CFBundleName</key><token>the</token><password></password><secret>of success</secret>",
    "mail ann@tcp.example.com, login as password reset; the login page password field",
    "image python:3.11-slim@sha256:0123 at 10:30@noon; https://example.com:8080/@ann/x",
    "The password is the thing you type. Cookies: chocolate. Authorization: required by law.",
]


def recorded(value: Any) -> bytes:
    """The whole file of a call that takes and gives a value."""
    store = MemoryStore()
    with recording(store, mode="record"):
        recordable(name="f")(lambda value: value)(value)
    [name] = store.scan()
    return store.get(name) or b""


def core(secret: str) -> str:
    """The part that nobody may read."""
    parts = secret.replace("=", " ").replace("/", " ").replace(":", " ").replace("@", " ").split()
    return "hunter2" if "hunter2" in secret else max(parts, key=len)


def test_the_tables_are_large_enough():
    assert len(SHAPES) >= 120
    assert len(shapes()) >= 120


@pytest.mark.parametrize("secret", SHAPES.values(), ids=SHAPES)
def test_a_credential_is_masked_in_what_is_taken_and_what_is_given(secret: str):
    for text in (secret, f"use {secret} now", f"é\n{secret}\n", f'"{secret}"', f"({secret})", f"a={secret},"):
        assert core(secret) not in mask(text), text
        assert mask(mask(text)) == mask(text)
        for value in (text, [{"a": text}], {text: 1}):
            assert core(secret).encode() not in recorded(value)


@pytest.mark.parametrize("text", QUOTED.values(), ids=QUOTED)
def test_a_credential_by_name_is_masked_in_a_text_that_quotes_it(text: str):
    for quoting in (text, f"I got:\n{text}\nWhat now?", orjson.dumps({"x": text}).decode()):
        assert "hunter2" not in mask(quoting)
        assert MASK in mask(quoting)
        assert mask(mask(quoting)) == mask(quoting)
        assert b"hunter2" not in recorded(quoting)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_left_alone(text: str):
    assert mask(text) == text
    assert mask(orjson.dumps({"x": text}).decode()) == orjson.dumps({"x": text}).decode()
    assert b'"redacted"' not in recorded(text)


def test_only_the_credential_goes():
    key = SHAPES["openai"]
    assert mask(f"a {key}, b {key}.") == f"a {MASK}, b {MASK}."
    assert mask("postgres://ann:hunter2@db/x?y") == f"postgres://{MASK}@db/x?y"
    assert mask('{"api_key": "hunter2-hunter2", "q": 1}') == f'{{"api_key": "{MASK}", "q": 1}}'
    assert mask("client_secret=hunter2-hunter2&scope=x") == f"client_secret={MASK}&scope=x"


@pytest.mark.parametrize("size", [1_000, 60_000])
def test_images_and_random_ids_are_left_alone(size: int):
    pick = random.Random(5)
    for _ in range(20):
        image = base64.b64encode(pick.randbytes(size)).decode()
        for text in (image, f"data:image/png;base64,{image}", pick.randbytes(size // 50).hex(), " ".join([UUID] * 20)):
            assert mask(text) == text


def test_a_mnemonic_is_masked_by_the_name_beside_it():
    words = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    numbered = " ".join(f"{number}. {word}" for number, word in enumerate(words.split(), 1))
    for text in (
        numbered,
        f"Restore my wallet with {words} and then send 1 BTC.",
        f"The words are: {words}. Keep them.",
    ):
        assert "sausage" not in mask(text)
    for text in (f"seed phrase: {words}", f'My recovery phrase is "{words}"', f'MNEMONIC="{words}"', words):
        for value in (text, {"mnemonic": words}, {"seed": words}, {"wallet": {"seed_words": words}}):
            if value != words:
                assert b"sausage" not in recorded(value)
                assert b"sausage" not in recorded(json.dumps(value))


WRITTEN = r"""
read -s PASSWORD <<< "<>"
docker secret create db_pass - <<< '<>'
poetry config http-basic.acme ann <>
@click.option("--api-key", default="<>", help="x")
NSString *password = @"<>";
#{password => <<"<>">>}
{password, "<>"}
password - <>
WiFi: CoffeeShop / pw: <>
Un mot de passe, c'est <>
<property name="hibernate.connection.password"><></property>
  ~ password = "a" -> "<>"
env::var("DB_PASSWORD").unwrap_or("<>".to_string())
Dim password As String = "<>"
new PDO($dsn, 'ann', '<>');
When it asks for a password, enter "<>".
recovery codes:\n<>
Name;Passwort\nAnn;<>\n
usuario,senha\nana,<>\n
NPM_CONFIG__AUTH: <>
registry_auth: <>
ADMIN_PW=<>
fill('input[name=password]', '<>')
type_text(selector='#pwd', text='<>')
browser_type(ref="e12", element="Password textbox", text="<>")
I logged in with my account ann@acme.io and <> but got 403
const API_SECRET: &'static str = "<>";
var password: Optional[str] = "<>"
let token: Option<&str> = Some("<>");
const std::string kPassword{"<>"};
echo <> | su -c id ann
the credentials are\n  user   ann\n  pass   <>\nCheers
Username: ann\nPass <>
Send the header `X-Billing-Auth: <>`.
define( 'AUTH_SALT', '<>' );
export HF_TOK=<>
val apiKey = BuildConfig.KEY ?: "<>"
password = config.get("a") or "<>"
<invoke name="login"><parameter name="username">ann</parameter><parameter name="password"><></parameter>
my wifi password (<>) of yesterday
; old pw was <>
the staging login is admin / <>
the root pw for that box is still <>, change it
aws ssm put-parameter --name /app/db --value '<>' --type SecureString
ftp> user ann <>
expect "assword:"\nsend "<>\r"
""".strip().splitlines()
ORDINARY = [
    "password: !Ref DBPassword1",
    "token - the 2nd-part; key - v2.1-beta; password - must-have-8",
    '@click.option("--key-name", default="deploy-key1"); parser.add_argument("--password", help="The password2", default="x-1")',
    '<string name="password_hint">Hint1</string> <property name="region">eu-west-1</property>',
    "La senha tem 8 letras; a senha v2 expira; usuario,nombre\nana,b1c2d3e4",
    "for each user we pass token2 to login pass-2024; user ann\npass tests/test_v2.py",
    "USE_AUTH=oauth2; repo_auth: hmac-sha256; LED_PIN = 13; let key: Option<&str> = None",
    "type_text(selector='#email', text='a1b2c3d4'); fill('#q', 'password1'); passed{'a1b2c3d4e5'}",
    "password (optional-2nd), password (min-8-chars), key (primary-key-2), pw was changed in v2.1, login is oauth2 / saml2",
    '<parameter name="password">string</parameter> Two-Factor-Auth: enabled2; NUM_TOK=1234; key = row.key or "default-key-1"',
    "api_key_env: ACME_API_KEY2\nHTTP_AUTH=basic\nPROXY_AUTH=ntlm-v2\nput-parameter --name a --value b1c2d3e4 --type String",
    'recovery codes: see-below; backup codes are kept; reply with "hunter2xyz" to the password2 mail',
]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_password_is_masked_as_other_tools_write_it(text: str):
    secret = "c0rrec-a1b2-x9y8z7w6" if "codes" in text else "c0rrec7h0rse#Xy9w6q4tZ"
    text = text.replace("\\n", "\n").replace("<>", secret)
    assert secret not in mask(text)
    assert secret.encode() not in recorded(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_what_tools_write_beside_it_is_left_alone(text: str):
    assert mask(text) == text


def test_an_option_that_has_its_value_or_none_says_nothing_of_the_next_argument():
    for options in (
        ["serve", "--token=<secret>", "--depth=3"],
        ["--password=", "--depth=3", "fast"],
        ["--password", "--depth=3", "--ask-password", "--verbose"],
    ):
        assert redact([options]) == ([], [])
        assert redact([["serve", *options, "--password", "a1-B2c3D4e5"]])[0] == [(len(options) + 2,)]
