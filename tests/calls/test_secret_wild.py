"""Credentials as issuers, formats of files and languages write them, and what only looks like them."""

import base64
import json
import random
import string
from typing import Any

import orjson
import pytest

from memo import recordable, recording
from memo._calls.secrets import mask, may_hold_secret, redact
from memo.stores import MemoryStore

LETTERS = {
    "a": string.ascii_letters + string.digits,
    "l": string.ascii_lowercase + string.digits,
    "U": string.ascii_uppercase + string.digits,
    "h": "0123456789abcdef",
    "b": string.ascii_letters + string.digits + "+/",
    "n": string.digits,
}
"""The alphabets of credentials."""


def made(kind: str, seed: str) -> str:
    """Return random letters: `h32` is 32 hexadecimal digits, `uuid` a UUID, `pw` what somebody has chosen."""
    source = random.Random(f"{kind} {seed}")
    if kind == "uuid":
        return "-".join(made(f"h{size}", f"{seed} {number}") for number, size in enumerate((8, 4, 4, 4, 12)))
    if kind == "pw":
        return f"Tr0ub4dor{source.randrange(100)}"
    return (
        "a1Z" + "".join(source.choices(LETTERS[kind[0]], k=int(kind[1:]) - 3))
        if kind[0] == "a"
        else "".join(source.choices(LETTERS[kind[0]], k=int(kind[1:])))
    )


TEXTS = r"""
voyage | pa-<a43>
brave | BSA<a28>
crates.io | cio<a32>
infisical | st.<h24>.<h32>.<h32>
telegram | https://api.telegram.org/bot123456789:AA<a33>/sendMessage
paypal | A21AA<a92>
adyen | AQE<a60>==-<a40>=-<a12>
resend | re_<a8>_<a24>
new relic | <h36>FFFFNRAL
honeycomb | hcaik_<l58>
posthog | phx_<a43>
logfire | pylf_v1_us_<a43>
wandb | wandb_v1_<a77>
azure devops | <a76>AZDO<a4>
linear | lin_oauth_<h64>
notion | secret_<a43>
asana | 2/1200000000000/1200000000001:<h32>
clickup | pk_12345678_<U32>
hubspot | pat-na1-<uuid>
ifttt | https://maker.ifttt.com/trigger/x/with/key/<a43>
dropbox | sl.B<a130>
okta | SSWS 00<a40>
twitter | AAAAAAAAAAAAAAAAAAAAA<a80>
twitch | oauth:<l30>
cloudflare | cfut_<a48>
vercel | vcp_<a56>
infura | https://mainnet.infura.io/v3/<h32>
alchemy | https://eth-mainnet.g.alchemy.com/v2/<a32>
oracle | jdbc:oracle:thin:scott/<pw>@//db:1521/x
an OAuth code | https://app/cb?code=4/0A<a60>&state=xyz
PKCE | grant_type=authorization_code&code_verifier=<a43>
SigV4 | AWS4-HMAC-SHA256 SignedHeaders=host, Signature=<h64>
OAuth 1 | OAuth realm="x", oauth_signature="<a28>%3D"
a scheme | Authorization: GenieKey <uuid>
another scheme | Authorization: Klaviyo-API-Key pk_<h34>
a third scheme | {"Authorization": "Key <a40>"}
NTLM | Authorization: NTLM TlRMTVNTUAAD<a300>
a variable | AZURE_DEVOPS_EXT_PAT=<l52>
a variable in quotes | SMTP_PASSWORD='long words and <pw>'
setx | setx API_KEY "<a40>"
fish | set -x API_KEY <a40>
Dockerfile | ENV API_KEY <a40>
aws configure | aws configure set aws_secret_access_key <a40>
gradle | storePassword '<pw>'
SQL | CREATE USER ann WITH PASSWORD '<pw>';
MySQL | CREATE USER 'a'@'%' IDENTIFIED BY '<pw>';
pgpass | localhost:5432:db:ann:<pw>
bcrypt | $2b$12$<a53>
crypt | root:$6$<a8>$<a86>:18000:0:99999:7:::
apr1 | ann:$apr1$<a8>$<a22>
PuTTY | Encryption: none\nPrivate-Lines: 1\n<b48>\nPrivate-MAC: x
SSH2 | ---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n<b64>\n---- END SSH2 ENCRYPTED PRIVATE KEY ----
curl -b | curl -b 'sessionid=<a32>' https://x
curl --cookie | curl --cookie "a=b; sid=<a32>" https://x
httpie | http -a ann:<pw> https://x
wpa | network={\n psk="<pw>"\n}
a code for Wi-Fi | WIFI:T:WPA;S:net;P:<pw>;;
settings | <add key="ApiKey" value="<a32>" />
settings, a password | <add key="DbPassword" value='<pw>' />
CDATA | <password><![CDATA[<pw>]]></password>
plist | <key>ApiKey</key>\n<string><a32></string>
a form | <input type="password" name="x" value="<pw>">
a hidden field | <input type="hidden" name="csrf_token" value="<a40>">
a meta element | <meta name="csrf-token" content="<a40>">
multipart | --x\r\nContent-Disposition: form-data; name="password"\r\n\r\n<pw>\r\n--x--
multipart, typed | --x\r\nContent-Disposition: form-data; name="api_key"\r\nContent-Type: text/plain\r\n\r\n<a32>\r\n--x--
YAML, beside | env:\n- name: DB_PASSWORD\n  value: <pw>
YAML, quoted | env:\n  - name: "API_TOKEN"\n    value: "<a32>"
YAML, in braces | env: [{name: DB_PASSWORD, value: <pw>}]
YAML, a flow map | db: {user: ann, password: <pw>, port: 5}
YAML, a flow map over lines | db: {user: ann,\n  password: <pw>}
kubeconfig | client-key-data: <a400>
PHP | define( 'DB_PASSWORD', '<pw>' );
a default | os.environ.get('API_KEY', '<a32>')
a subscript | os.environ["OPENAI_API_KEY"] = "<a32>"
setenv | monkeypatch.setenv('API_KEY', '<a32>')
a header in JavaScript | xhr.setRequestHeader('X-Api-Key', '<a32>')
a header in Python | headers['Authorization'] = '<a32>'
headers as bytes | [(b'cookie', b'session=<a32>')]
Go | password := "<pw>"
Rust | Config { api_key: Some("<a32>") }
Kotlin | val apiKey: String = "<a32>"
Python, typed | api_key: str | None = "<a32>"
bytes in Python | app.secret_key = b'_5#y2L"<a8>'
HAR | {"headers": [{"name": "X-Api-Key", "value": "<a32>"}]}
HAR, the value first | {"headers": [{"value": "<a32>", "name": "X-Api-Key"}]}
Postman | {"variable": [{"key": "password", "value": "<pw>"}]}
ECS | {"environment": [{"name": "DB_PASSWORD", "value": "<pw>"}]}
CloudFormation | {"Parameters": [{"ParameterKey": "DbPassword", "ParameterValue": "<pw>"}]}
tags | [{"Key": "ApiToken", "Value": "<a32>"}]
HAR in Python | [{'name': 'X-Api-Key', 'value': '<a32>'}]
HAR in JSON in JSON | {"log": "{\\"headers\\": [{\\"name\\": \\"X-Api-Key\\", \\"value\\": \\"<a32>\\"}]}"}
JWK | {"kty": "EC", "crv": "P-256", "d": "<a43>"}
JWK, the type last | {"k": "<a43>", "kty": "oct"}
Markdown | **API Key**: <a32>
Markdown, bold | - **Password:** <pw>
prose | your api key is <a32> ok?
German | Passwort: <pw>
French | mot de passe : <pw>
German, a sentence | Das Passwort lautet <pw>.
German, the key | API-Schlüssel: <a40>
Spanish | contraseña: <pw>
Spanish, a sentence | La contraseña es <pw> y caduca.
Spanish, an adjective | Contraseña temporal: <pw>
Spanish, JSON | {"contraseña_bd": "<pw>"}
Spanish, escaped | {"contrase\\u00f1a": "<pw>"}
Portuguese | A senha do banco é <pw>
Portuguese, a variable | SENHA_DO_BANCO=<pw>
French, a sentence | Le mot de passe est <pw>
Dutch | wachtwoord: <pw>
Swedish | lösenord = "<pw>"
Polish, JSON | {"hasło": "<pw>"}
Russian | Ваш пароль: <pw>.
Russian, JSON | {"пароль": "<pw>", "логин": "ann"}
Russian, a key | {"ключ_api": "<a40>"}
Greek | Κωδικός: <pw>
Chinese | 密码：<pw>
Chinese, a sentence | 数据库的密码是<pw>。
Chinese, JSON | {"密码": "<pw>"}
Chinese, a key | {"密钥": "<a40>"}
Japanese | パスワードは<pw>です
Korean | 비밀번호: <pw>
SET PASSWORD | SET PASSWORD FOR 'bob'@'%' = PASSWORD('<pw>');
SET PASSWORD, plain | SET PASSWORD FOR bob = '<pw>'
SET PASSWORD, small | set password = '<pw>'
IDENTIFIED WITH | ALTER USER 'a'@'b' IDENTIFIED WITH caching_sha2_password BY '<pw>', REQUIRE SSL
Oracle | ALTER USER sa IDENTIFIED BY <pw>;
SQL Server | CREATE LOGIN bob WITH PASSWORD = N'<pw>', CHECK_POLICY = OFF
sp_addlogin | EXEC sp_addlogin 'ann', '<pw>'
SQLCipher | PRAGMA key = '<pw>';
ATTACH | ATTACH DATABASE 'x.db' AS enc KEY '<pw>';
INSERT | INSERT INTO users (name, password) VALUES ('ann', '<pw>')
requirepass | requirepass <pw>
CONFIG SET | CONFIG SET requirepass "<pw>"
AUTH | 127.0.0.1:6379> AUTH default <pw>
ACL | ACL SETUSER ann on ><pw> ~* +@all
sentinel | sentinel auth-pass mymaster <pw>
db.auth | db.auth("ann", "<pw>")
a router | username admin privilege 15 secret 0 <pw>
a router, a neighbour | neighbor 10.0.0.1 password <pw>
IPsec | 10.0.0.1 10.0.0.2 : PSK '<pw>'
haproxy | user ann insecure-password <pw>
LDAP | rootpw {SSHA}<b32>
rabbitmqctl | rabbitmqctl add_user ann <pw>
htpasswd | htpasswd -b .htpasswd ann <pw>
sudo | echo <pw> | sudo -S ls
chpasswd | echo 'root:<pw>' | chpasswd
password-stdin | echo '<pw>' | docker login -u ann --password-stdin
net user | net user ann <pw> /add
xfreerdp | xfreerdp /u:ann /p:<pw> /v:host
PowerShell | ConvertTo-SecureString "<pw>" -AsPlainText -Force
user-secrets | dotnet user-secrets set "Db:Password" "<pw>"
cqlsh | cqlsh -u ann -p <pw> host
ipmitool | ipmitool -H h -U ADMIN -P <pw> power status
7z | 7z x -p<pw> a.7z
plink | plink -pw <pw> ann@host
curl -E | curl -E client.pem:<pw> https://x
openssl | openssl enc -aes-256-cbc -k <pw> -in a
ssh-keygen | ssh-keygen -t ed25519 -N "<pw>" -f k
sqlplus | sqlplus scott/<pw>@orcl
lftp | lftp -u ann,<pw> sftp://x
keytool | keytool -genkey -storepass <pw> -alias x
snmp | snmpget -v3 -u ann -A <pw> host oid
vault | vault login s.<a24>
gh | gh secret set DEPLOY_TOKEN --body "<a40>"
kubectl | kubectl create secret generic x --from-literal=foo='<pw>'
expect | expect "Password:" { send "<pw>\\r" }
a call | new NetworkCredential("ann", "<pw>")
a call with more | mysqli_connect("h", "ann", "<pw>", "db")
typed | await page.getByLabel('Password').fill('<pw>')
typed into | page.fill('#password', '<pw>')
signed | jwt.encode(payload, "<a32>", algorithm="HS256")
Hawk | Authorization: Hawk id="dh37fgj492je", ts="1353832234", nonce="j4h3g2", mac="<b43>="
HTTP signatures | Signature keyId="k1",algorithm="rsa-sha256",signature="<b86>=="
a hex key | private key: 0x<h64>
DER | MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7<a400>
OpenSSH without its frame | b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ<a200>
minisign | untrusted comment: minisign encrypted secret key\nRWRTY0Iy<a200>
a token as user | git clone https://<a40>@example.com/a/b.git
a link | https://host/reset-password/<a40>
a session in a URL | https://x/?sessionid=<a32>
a cookie jar | .example.com\tTRUE\t/\tTRUE\t1999999999\tsessionid\t<a32>
a code | Your verification code is <n6>
argv | {"args": ["--user", "ann", "--password", "<pw>"]}
JSON Patch | [{"op": "add", "path": "/spec/apiKey", "value": "<a40>"}]
a browser | {"element": "Password field", "text": "<pw>"}
a label | {"label": "Password", "value": "<pw>"}
Kubernetes | {"kind": "Secret", "stringData": {"foo": "<pw>"}}
Kubernetes in YAML | apiVersion: v1\nkind: Secret\nstringData:\n  foo: <pw>
CSV | user,password\nann,<pw>\n
CSV, quoted | id;"user";"password";"city"\n1;"ann";"<pw>";"Rome"
TSV | user\tpassword\nann\t<pw>
Markdown, a table | | user | password |\n|------|----------|\n| ann | <pw> |
HTML, a table | <tr><td>Password</td><td><pw></td></tr>
XML-RPC | <member><name>password</name><value><string><pw></string></value></member>
PHP, dumped | array(1) {\n  ["password"]=>\n  string(11) "<pw>"\n}
PHP, printed | Array\n(\n    [password] => <pw>\n)
an arrow | client secret \u2192 <a40>
API key | Invalid API key <a40>
a token in prose | token <a40> has expired
password for | The password for the server is "<pw>".
a full-width colon | password\uff1a<pw>
a JSON in a URL | %7B%22password%22%3A%22<pw>%22%7D
a URL in a URL | https://x/?next=%2Fcb%3Faccess_token%3D<a40>
a key in a URL in a URL | https://x/?next=https%3A%2F%2Fy%3Fk%3Dsk-proj-<a40>
HTML | {&quot;password&quot;: &quot;<pw>&quot;}
make | API_KEY ?= <a32>
Ruby | ENV['API_KEY'] ||= '<a32>'
R | api_key <- "<a32>"
SOAP | <wsse:Password Type="x#PasswordText"><pw></wsse:Password>
YAML, an anchor | password: &pw <pw>
YAML, a tag | password: !!str <pw>
TOML, three quotes | password = '''<pw>'''
aligned | password   =   <pw>
a sentence, reset | Your password has been reset to <pw>.
a sentence, was | the old password was <pw>
a sentence, use | use pass <pw> for the staging box
a sentence, with | SSH in with the password <pw> please
a sentence, log in | log in as root with <pw>, then change it
a sentence, both | log in with admin and <pw>
a sentence, a pair | creds: ann / <pw>
a sentence, before | Try `<pw>` as the password.
a sentence, a token | set the bot token to <a40>
sudo, asked | [sudo] password for ann: <pw>
a log | WARN login failed for ann with password <pw>
a line after its name | $ cat ~/.token\n<a40>
printed | $ op read op://prod/db/password\n<pw>
zapier | https://hooks.zapier.com/hooks/catch/1234567/<l8>/
make.com | https://hook.eu1.make.com/<l32>
pipedream | https://eo<l13>.m.pipedream.net
n8n | https://n8n.acme.io/webhook/<uuid>
lark | https://open.feishu.cn/open-apis/bot/v2/hook/<uuid>
mattermost | https://mm.acme.io/hooks/<l26>
conda | https://conda.acme.io/t/<a40>/acme
twilio's token | Client("AC00000000000000000000000000000000", "<h32>")
vault, unseal | Unseal Key 1: <b43>=
pydantic | 1 validation error for S\npassword\n  Value error [type=value_error, input_value='<pw>', input_type=str]
unzip | unzip -P <pw> a.zip
netexec | nxc smb 10.0.0.5 -u ann -p '<pw>'
winexe | winexe -U 'ann%<pw>' //h cmd
az | az login --service-principal -u app -p <a34> --tenant t
kinit | echo '<pw>' | kinit ann@ACME
podman | printf '<pw>' | podman secret create db_password -
pgpass, another port | db.acme.io:6432:app:ann:<pw>
netrc, a default | default login anonymous password <pw>
netrc, a port | machine x port 587 login ann password <pw>
IMAP | a1 LOGIN ann <pw>
POP | PASS <pw>
NickServ | /msg NickServ identify <pw>
AUTH PLAIN | AUTH PLAIN AGFubg<b24>
MONITOR | 1700000000.1 [0 10.0.0.1:5] "AUTH" "<pw>"
yarn | npmAuthIdent: "ann:<pw>"
sbt | credentials += Credentials("Realm", "repo.acme.io", "ann", "<pw>")
getConnection | DriverManager.getConnection(url, "app", "<pw>");
mysqli | new mysqli('db', 'app', '<pw>', 'x')
a list in code | tokens = ["<a32>", "b"]
a list of constants | const apiKeys = ['<a40>'];
a slice | tokens := []string{"<a40>"}
a set | VALID_TOKENS = {"<a40>", "b"}
a mapping in code | SECRETS = {"db": "<pw>", "host": "db1"}
HCL, a mapping | secrets = {\n  db = "<pw>"\n}
JavaScript, a mapping | export const secrets = {\n  db: '<pw>',\n};
JSON, a list | {"tokens": ["<a40>"]}
JSON, a mapping | {"secrets": {"db": "<pw>", "host": "db1"}}
TOML, a table | [package]\nname = "x"\n[secrets]\ndb = "<pw>"\n
composer | {"github-oauth": {"github.com": "<a40>"}}
a column | HOST          db1\nDB_PASSWORD   <pw>\nPORT          5432
a column, small | Key          Value\n---          -----\npassword     <pw>
ENV | ENV DB_PASSWORD <pw>
HTML, bold | <p>Password: <b><pw></b></p>
a cookie of any name | [{"name": "_acme", "value": "<a40>", "domain": ".x.io", "httpOnly": true}]
a tool's field | {"name": "fill", "input": {"field": "password", "text": "<pw>"}}
a colour | \x1b[32mpassword\x1b[0m: <pw>
CSV, a separator in quotes | name,note,password\n"Smith, Ann","a, b","<pw>"\n
CSV in JSON | log: {"text": "name,password\\nann,<pw>\\n"}
kubectl | NAME      TYPE     TOKEN\nbuilder   Opaque   <a40>\n
kubectl, aligned to the right | user    password\n0   ann  <pw>\n1   bob   a1b2-c3\n
a box | \u250c\u2500\u252c\u2500\u2510\n\u2502 name \u2502 password \u2502\n\u2502 ann \u2502 <pw> \u2502
psql, expanded | -[ RECORD 1 ]--------\nid       | 1\npassword | c0rrec<a20>\n
Jira | || user || password ||\n| ann | <pw> |
HTML, a header | <tr><th>User</th><th>Password</th></tr><tr><td>ann</td><td><pw></td></tr>
COPY | COPY public.users (id, password) FROM stdin;\n1\t<pw>\n\\.\n
INSERT, more rows | INSERT INTO `users` (`id`,`pw`,`password`) VALUES (1,now(),'a, b'),\n  (2,'x','<pw>');
HCL, a default | variable "db_password" {\n  description = "x"\n  default = "<pw>"\n}
C#, a property | public string Password { get; set; } = "<pw>";
a setter | ds.setPassword("<pw>");
a builder | Client::builder().password("S3cure!<a8>").build()
another value | const key = process.env.OPENAI_API_KEY || '<a40>';
another value, by its name in quotes | os.environ.get("DB_PASSWORD") or "<pw>"
another value, in a call | 'x' => env('DB_PASSWORD', 'c0rrec<a20>'),
an arrow after quotes | val conf = Map("password" -> "<pw>")
an equals sign after quotes | @{ "X-Api-Key" = "<a40>" }
Jenkins | password(name: 'DEPLOY_PASSWORD', defaultValue: '<pw>', description: 'x')
a call with a user | usernamePassword('ann', 'c0rrec<a20>')
testcafe | await t.typeText('#password', '<pw>')
a sentence, the password's | the login is ann and the password's <pw>
a sentence, use for | use c0rrec<a20> for the password field
HTML, escaped | &lt;password&gt;<pw>&lt;/password&gt;
"""  # noqa: RUF001 - a colon of Chinese
"""Texts with credentials: in `<>` how long each is, and of which letters."""

CASES = {name: text for name, _, text in (row.partition(" | ") for row in TEXTS.strip().splitlines())}
KINDS = ["uuid", "pw", *(f"{letter}{size}" for letter in LETTERS for size in range(4, 401))]


def written(name: str) -> tuple[str, list[str]]:
    """Return a text, and the credentials in it: of a fixed part before it, only the random rest is sought."""
    text, secrets = "", []
    for number, part in enumerate(CASES[name].replace("<", "\0<").split("\0")):
        kind, closes, rest = part[1:].partition(">") if part.startswith("<") else ("", "", part)
        if closes and kind in KINDS:
            secrets.append(made(kind, f"{name} {number}"))
            text += secrets[-1] + rest.encode().decode("unicode_escape") if rest.isascii() else secrets[-1] + rest
        else:
            text += part.encode().decode("unicode_escape") if part.isascii() else part
    return text, secrets


def recorded(value: Any) -> bytes:
    """Return what a call leaves whose argument and result a value is."""
    store = MemoryStore()
    with recording(store, mode="record"):
        recordable(name="f")(lambda x: x)(value)
    [name] = store.scan()
    return store.get(name) or b""


@pytest.mark.parametrize("name", CASES)
def test_a_credential_is_masked_in_any_text(name: str):
    text, secrets = written(name)
    secret = max(secrets, key=len)
    for around in ("{}", "Here:\n{}\nUse it well.", "x {}"):
        whole = around.format(text) if around != "{}" else text
        assert secret not in mask(whole), whole
        assert may_hold_secret(orjson.dumps([whole]).decode())
    assert secret.encode() not in recorded(text)
    assert secret.encode() not in recorded({"a": [text]})


@pytest.mark.parametrize("name", [name for name, text in CASES.items() if text[:1] in "{["])
def test_a_credential_is_masked_in_the_value_that_its_json_is(name: str):
    text, secrets = written(name)
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return  # Python or HTML
    data = recorded(value)
    assert max(secrets, key=len).encode() not in data
    assert b'"redacted"' in data


@pytest.mark.parametrize("name", CASES)
def test_a_credential_is_masked_in_base64(name: str):
    text, _ = written(name)
    encoded = base64.b64encode(text.encode()).decode()
    if text.isascii() and text.replace("\n", "").replace("\r", "").isprintable():
        assert mask(encoded) != encoded


DATA: list[Any] = [
    {"name": "temperature", "value": "0.7"},
    {"name": "token", "value": "the"},
    {"name": "api_key", "type": "string", "description": "The key of the API, 32 letters"},
    {"name": "password", "in": "query", "schema": {"type": "string"}},
    {"role": "tool", "name": "get_token", "content": "ok 1234567890abcdef"},
    {"key": "object_key", "value": "a/b/c1.txt"},
    {"Key": "Environment", "Value": "prod-eu-1"},
    {"name": "x-ratelimit-remaining-tokens", "value": "149984"},
    {"name": "Access-Control-Allow-Headers", "value": "Authorization, X-Api-Key1"},
    {"name": "WWW-Authenticate", "value": 'Bearer realm="x", error="invalid_token"'},
    {"d": "M10 10 L20 20", "k": "5 apples", "p": "0.95", "q": "what is a key?"},
    {"keys": [{"kty": "RSA", "kid": made("a20", "kid"), "use": "sig", "n": made("a342", "n"), "e": "AQAB"}]},
    {"AWS::IAM::AccessKey": "62d91b17309e76c8"},
    {"image": "data:image/png;base64,iVBORw0KGgo" + made("b400", "image")},
    {"b64_json": "A" * 22 + "/" + made("b500", "zeros")},
    {"commit": made("h40", "commit"), "etag": f'W/"{made("h32", "etag")}"', "trace": f"00-{made('h32', 'trace')}-01"},
    "The key to success is perseverance; the key is understanding how tokenization works-2024.",
    "password: string; api_key: Optional[str] = None; token: str = None",
    "client = OpenAI(api_key=settings.openai_api_key_v2)",
    "headers = {'Authorization': f'Bearer {token}'}",
    "d.get('token', 'default_1') or translate('password', 'fr-FR1') or t('login.password', 'Password2')",
    "sorted(a, key=len1func)",
    "primary key (id1, tenant2)",
    "password hashing-with-bcrypt-12rounds, password authentication8 failed",
    "access token expires_in_3600_seconds",
    "- name: TOKEN_URL\n  value: https://x/token1",
    "- name: token\n  description: the token1",
    "valueFrom: {secretKeyRef: {name: db-secret1, key: password1}}",
    "password: !vault |",
    "docker run -p 8080:80 -u 1000:1000 img",
    "https://x/?code=FR&lang=fr and ?code=ERR_INVALID_ARGUMENT_VALUE_1",
    "a dynamic library identified by 'name'",
    "private_key = rsa.PrivateKey.load_pkcs1(data)",
    "pa-per-thin-slices-of-something-that-goes-on-and-on-2024",
    "risk-assessment-framework-for-2024-and-beyond",
    "$1$ is 1 dollar, $5$ five",
    "AT&amp;T key: a, x%20key%3D1",
    {"mnemonic": "MOV r1, r2", "seed": 42, "words": ["a", "b"]},
    {"kind": "ConfigMap", "data": {"a": "b1c2d3e4f5"}},
    {"args": ["--max-tokens", "4096", "--key", "name2", "--verbose", "file1.txt"]},
    {"path": "/password", "value": "string"},
    {"did": "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"},
    "requirepass is a directive of Redis; IDENTIFIED BY clause2 or IDENTIFIED WITH plugin; PRAGMA foreign_keys = 'ON'",
    "AUTH LOGIN PLAIN CRAM-MD5; PIN: four digits; the OTP (one-time password) is sent; GPIO PIN: 13",
    "echo $TOKEN | docker login -u ann --password-stdin; echo hello | sudo tee /etc/x; openssl x509 -in cert1.pem",
    "page.fill('#username', 'ann42'); model.fit(x, 'y1', 'z2'); jwt.decode(token, 'a')",
    "https://example.com/reset/instructions-for-your-account-2026 https://very-long-user-name-of-somebody@example.com/",
    "cache key 5d41402abc4b2a76b9719d911017c592; primary key aB3dE5fG7hJ9kL1mN3pQ5rS7 duplicated",
    "next page token: aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5; public key: aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5",
    "name,description\npassword,The password2 of the user\ntoken,logprob\nhello1,-0.5\n",
    "| model | tokens |\n|---|---|\n| gpt-4o1 | 128000a |\n\n| parameter | type |\n|---|---|\n| password | string2 |",
    "kind: Deployment\ndata:\n  foo: bar12345\nsecretKeyRef:\n  name: db1\n",
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0",
    {"parola": "ciao", "heslo": "encyklopedie", "clave": "sol-mayor-1", "palabra_clave": "a1b2c3d4"},
    "La contraseña es obligatoria, la senha é secreta, das Passwort ist falsch, le mot de passe est requis",
    "пароль: обязательное поле; 密码: 必填, 密码长度至少为8位。パスワードは8文字以上です",
    "A parola: è una parola, Heslo: kniha, parool: nee, hasło reklamowe: tanio",
    "<key>CFBundleVersion</key><string>1.2.3b4</string>",
    '<input type="password" name="pw" placeholder="Your password 123">',
    "The password is base64-encoded. username ann, password reset; use password managers; use pass 2 of the compiler",
    "log in with user1 and user2; log in with SSO and OAuth2.0; login as admin with GitHub-2; creds: see 1Password",
    "--- PASS: TestLogin2 (0.00s)\nPASS   test_login2   0.12s\nPASS tests/a1.test.js",
    "curl -u user:pass https://x/; redis-cli -a\nuse it; unzip -p a1.zip; AUTH LOGIN PLAIN CRAM-MD5",
    "https://x/hooks/use-state https://n8n.io/webhook https://x/webhook/github-push2 https://x/t/page-2024-for-the-topic/a",
    "PASSWORD      string1      required\nTOKEN    COUNT\nhello1   42\npassword   PAM-unix2",
    "tokens = ['hello1', 'world2', '<|im_start|>']; keys = ['a1', 'b2']; keys := []string{'user_id1'}",
    {"tokens": ["Hel", "lo", " w0rld42"], "keys": ["user_id1", "created_at2"]},
    {"secrets": {"source": "vault1", "path": "kv/data/app1", "store": "aws-sm2", "file": "./db_password1.txt"}},
    {"cookies": [{"name": "consent", "value": "accepted-all", "domain": ".x.io", "httpOnly": False}]},
    "[secrets]\nsource = vault-engine2\n\n[tool.keys]\nsort = user_id1\n[package]\nname = a1b2c3d4e5f6g7h8i9",
    "KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWm",  # no checksum
    "legal winner thank year wave sausage worth useful legal winner thank thank",
    {"credentials": "include", "mode": "cors"},
    "fetch(url, {credentials: 'same-origin'}); axios.get(url, {withCredentials: true}); credentials: include",
    'variable "key_name" { default = "deploy-key1" }\nvariable "token_ttl" {\n  default = "3600s1"\n}',
    "NAME    TYPE    AGE\ndefault-token-x7z9q   kubernetes.io/service-account-token   3d",
    "  password     Set the word\n  s3_region1   The region2",
    "name  password\n----  --------\nann   ********\n\nUser   Token count   Cost\nann    1500a         $0.02",
    "page.fill('#password', process.env.PASSWORD1); get_secret('prod/db-pass1'); getPassword('db_main1'); key('user_id1')",
    "password(name: 'DEPLOY_PASSWORD', defaultValue: '', description: 'v2'); use option2 for the password field",
    "INSERT INTO keys (name, primary_key) VALUES ('a1b2', 'users_id1'),('b', 'c_d2'); COPY t (a) FROM stdin;\nb1c2d3",
    "<tr><th>User</th><th>Tokens</th></tr><tr><td>ann</td><td>1500a1</td></tr>",
    "the wallet was found near some small green house which people walk along until they reach home again",
    "1. first 2. second 3. third 4. more 5. five 6. six 7. seven 8. eight 9. nine 10. ten 11. eleven 12. last",
    "people walk along some river until they reach that small green house",
]
"""None of it is a credential."""


@pytest.mark.parametrize("value", DATA, ids=range(len(DATA)))
def test_data_is_not_masked(value: Any):
    for form in (value, [value], json.dumps(value), repr(value)):
        holder = [json.loads(json.dumps(form))]
        assert redact(holder) == ([], []), holder
