"""Names: which fields hold a credential, which hold data, and which hold one only where the value has its form."""

import copy
import unicodedata
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from memo import recordable, recording
from memo._calls.secrets import looks_secret, may_hold, may_hold_secret, redact
from memo.errors import InvalidOption
from memo.stores import MemoryStore

PLAIN = "hunter2-hunter2"
RANDOM = "q7Zk2mW9xR4tLp8sVn3yB6dF"

CREDENTIALS = """
    password Password PASSWORD passwd userPassword db_password DB_PASSWORD newPassword password2 password_confirmation
    PGPASSWORD MYSQL_ROOT_PASSWORD passphrase ssh_passphrase authorization Authorization Proxy-Authorization cookie Set-Cookie
    cookies session_cookie credentials credential api_key apiKey APIKey apikey API_KEY X-Api-Key x-goog-api-key openai_api_key
    OPENAI_API_KEY apikeys api_keys api_secret apiToken access_token accessToken X-Auth-Token auth_token id_token refresh_token
    bearer_token bot_token GITHUB_TOKEN githubToken gitlab_token HF_TOKEN npm_token slackToken csrf_token X-CSRF-Token
    session_token aws_session_token AWS_SECRET_ACCESS_KEY aws_access_key_id secret_access_key client_secret clientSecret
    app_secret jwt_secret NEXTAUTH_SECRET webhook_secret signing_secret SLACK_SIGNING_SECRET secret_key SECRET_KEY
    private_key privateKey private_key_pem encryption_key master_key account_key storage_key shared_access_key
    Ocp-Apim-Subscription-Key license_key deploy_key ssh_key hmac_key service_role_key connection_string seed_phrase
    GITHUB_PAT JSESSIONID PHPSESSID csrftoken xsrf_token rsa_privkey aes_key FERNET_KEY unseal_key session_key code_verifier
    SAMLResponse client_assertion security_answer password_hash azure_storage_connection_string x-amz-security-token
    SharedAccessSignature root_token CI_JOB_TOKEN DOCKERHUB_TOKEN authenticity_token SECRET_KEY_BASE mnemonic_phrase
    recovery_codes db_pass smtp_pass client_secret_old vault_token Private-Token device_token oauth_token
    contraseña contrasena nuevaContraseña mot_de_passe motDePasse senha novaSenha Passwort db_passwort Kennwort wachtwoord
    lösenord пароль ПАРОЛЬ новый_пароль 密码 数据库密码 密碼 パスワード 비밀번호 סיסמה รหัสผ่าน kata_sandi
""".split()
"""Whatever their text is."""

PERHAPS = """
    token Token TOKEN secret secrets stripe_key STRIPE_KEY googleMapsKey foo_token fooToken mytoken auth key session
    sid dbsecret keys jwt token_value AUTH sessionid csrf bearer otp otp_code mfa_code auth_code authorizationCode pin passcode
    login pat parola heslo hasło şifre κωδικός 密钥 令牌 токен clave_api claveApi chave_secreta api_schlüssel contraseña_bd
    senha_do_banco пароль_бд
""".split()
"""Credentials where their text has the form of one."""

DATA = """
    max_tokens maxTokens token_count tokenCount completion_tokens prompt_tokens total_tokens next_page_token
    nextPageToken pageToken continuation_token prev_token eos_token bos_token pad_token unk_token mask_token stop_token
    special_token token_type tokenType token_ids token_url tokenizer tokens_per_second usage secret_santa secretary secret_name
    secret_id top_secret has_password show_password forgot_password password_policy password_reset_url password_hint
    cookie_policy cookie_consent authorization_url authorization_endpoint author authority authenticated authentication_type
    key_id keyId api_key_id public_key publicKey primary_key foreign_key sort_key partition_key cache_key object_key
    idempotency_key keyboard keyword keywords monkey turkey hotkey passenger compass passage session_id sessionId sessions
    auth_type auth_method auth_url auth_mode login_count login_url pinned pinterest pins pin_count spin opinion otp_enabled
    otp_length status_code error_code zip_code country_code source_code pat_count patient path public_ssh_key public_keys
    password_length cookie_name cookies_enabled cookie_recipe authors authored pass_rate pass_count key_points key_phrases
    keyframes session_count session_name answer_key lookup_key passport secrets_found tokens_used token_logprobs csrf_enabled
    signature thought_signature encrypted_content nonce salt checksum etag user username email name model id role content
    text title bearing basics credit card_type secretion tokenized keystone keypath passed bypass
    palabra_clave clave chave ключевые_слова длина 关键 关键词 键 キー passage_clé schlüsselwort sensei parolee secretario
""".split()
"""None, whatever their text is."""


class Anything(BaseModel, extra="allow"):
    pass


def recorded(value: Any, **options: Any) -> dict[str, Any]:
    """The outcome that a call leaves."""
    store = MemoryStore()
    with recording(store, mode="record"):
        recordable(name="f", **options)(lambda: value)()
    [name] = store.scan()
    [outcome] = orjson.loads(store.get(name) or b"")["outcomes"]
    return outcome


@pytest.mark.parametrize("name", ["contraseña", "lösenord", "mật_khẩu", "パスワード"])
def test_accents_may_be_apart(name: str):
    apart = unicodedata.normalize("NFD", name)
    assert apart != name
    assert recorded({apart: PLAIN})["redacted"] == [apart]
    assert "hunter2" not in recorded(f"{apart}: {PLAIN}")["value"]


def test_the_table_is_large_enough():
    assert len({*CREDENTIALS, *PERHAPS, *DATA}) >= 200
    assert len({*CREDENTIALS, *PERHAPS}) >= 100


@pytest.mark.parametrize("name", CREDENTIALS)
def test_what_can_only_be_a_credential_is_masked(name: str):
    for text in (PLAIN, RANDOM, "x"):
        for value in ({name: text}, [{"a": {name: text}}], Anything(**{name: text}), {name: [text]}):
            outcome = recorded(value)
            assert outcome["redacted"], value
            assert f'"{text}"' not in orjson.dumps(outcome["value"]).decode()


@pytest.mark.parametrize("name", PERHAPS)
def test_what_may_be_data_is_masked_where_it_has_the_form_of_a_credential(name: str):
    assert recorded({name: RANDOM})["redacted"] == [name]
    for text in (
        "the",
        "C major",
        "",
        "42",
        "claude-3-5-sonnet-20241022",
        "2026-11-29T12:00:00Z",
        "/home/ann/images",
        "yes",
    ):
        assert "redacted" not in recorded({name: text}), text


@pytest.mark.parametrize("name", [*CREDENTIALS, *PERHAPS])
def test_the_quick_look_misses_no_name(name: str):
    assert may_hold_secret(orjson.dumps([{name: 1}]).decode())
    assert may_hold_secret(orjson.dumps({f"x_{name}": [1]}).decode())
    for text in (f'{{"{name}": {{"a": 1}}}}', f"{{'x_{name}': [1]}}", f'"{name}" : [1]'):  # JSON in a text
        assert may_hold(text)
        assert looks_secret(orjson.dumps([text]).decode())


@pytest.mark.parametrize("name", DATA)
def test_data_is_left_alone(name: str):
    for text in (PLAIN, RANDOM, "the"):
        assert "redacted" not in recorded({name: text})
        assert "redacted" not in recorded(Anything(**{f"x_{name}": 1, name: text}))


@pytest.mark.parametrize("name", ["token", "secret", "key", "foo_token"])
@pytest.mark.parametrize(
    "text", ["claude-3-5-sonnet-20241022", "llama3.2:3b-instruct-fp16", "text-embedding-3-small-v1"]
)
def test_words_and_numbers_are_no_token(name: str, text: str):
    assert "redacted" not in recorded({name: text})


@pytest.mark.parametrize("name", ["pass", "pwd", "user_pass", "db_pwd"])
def test_a_password_need_not_be_random(name: str):
    assert recorded({name: PLAIN})["redacted"] == [name]


@pytest.mark.parametrize("name", ["key", "session", "sid"])
@pytest.mark.parametrize(
    "text", ["3f2504e0-4f89-41d3-9a0c-0305e82c3301", "9f2c1b" * 8, "images/2026/11/29/IMG_0001.jpg"]
)
def test_an_id_or_a_digest_is_no_credential_under_a_name_that_is_mostly_data(name: str, text: str):
    assert "redacted" not in recorded({name: text})


def test_logprobs_and_usage_are_data():
    assert "redacted" not in recorded(
        {
            "logprobs": {
                "content": [{"token": t, "logprob": -0.1, "bytes": [1]} for t in ("Hel", "lo", " w0rld42", "<s>")]
            },
            "usage": {"max_tokens": 3, "token_count": 4, "secret_santa": "Ann", "next_page_token": RANDOM},
        }
    )


class Key(BaseModel):
    id: str
    object: str
    name: str
    value: str
    created_at: int


class ServiceAccount(BaseModel):
    id: str
    api_key: Key
    note: str = ""


@pytest.mark.parametrize("secret", ["sk-svcacct-abcdefghijklmnop0123", RANDOM, PLAIN])
def test_a_model_under_the_name_of_a_credential_is_none_but_the_secret_in_it_is_masked(secret: str):
    key = Key(
        id="key_abc123", object="organization.project.service_account.api_key", name="Key 1", value=secret, created_at=1
    )
    for value, path in (
        (ServiceAccount(id="svc_1", api_key=key), "api_key.value"),
        ({"api_key": key}, "api_key.value"),
        ([ServiceAccount(id="svc_1", api_key=key)], "[0].api_key.value"),
        (
            {"credentials": {"type": "service_account", "client_id": "1234567890abcdef", "secret": RANDOM}},
            "credentials.secret",
        ),
    ):
        outcome = recorded(value)
        assert outcome["redacted"] == [path]
        written = orjson.dumps(outcome).decode()
        assert secret not in written.replace(RANDOM, secret if secret == RANDOM and RANDOM not in written else "")
        assert "key_abc123" in written or "1234567890abcdef" in written


def test_secrets_adds_names_and_allow_secrets_takes_names_and_paths_out():
    value = {
        "shelf": "1234",
        "api_key": "public",
        "data": [{"token": RANDOM}, {"token": RANDOM}],
        "say": f"use sk-{RANDOM}",
    }
    plain = recorded(value, secrets="shelf")
    assert plain["redacted"] == ["shelf", "api_key", "data[0].token", "data[1].token", "say"]
    outcome = recorded(value, secrets="shelf", allow_secrets=("api_key", "data[1].token"))
    assert outcome["redacted"] == ["shelf", "data[0].token", "say"]
    assert outcome["allowed_secrets"] == ["data[1].token"]
    outcome = recorded(value, allow_secrets=("data[*].token", "say.x"))
    assert outcome["redacted"] == ["api_key", "say"]
    assert outcome["allowed_secrets"] == ["data[0].token", "data[1].token"]


def test_a_recorder_allows_for_all_its_functions(tmp_path: Path):
    with recording(tmp_path, mode="record", allow_secrets=["api_key"]):
        recordable(name="f")(lambda: {"api_key": "public"})()
    with recording(tmp_path):
        assert recordable(name="f")(lambda: None)() == {"api_key": "public"}


def test_what_is_neither_name_nor_path_is_refused():
    with pytest.raises(InvalidOption, match="allow_secrets"):
        recordable(allow_secrets="a[")(lambda: None)


def test_the_corpus_has_no_false_masks(corpus: Path):
    from memo._calls.secret_streams import mask_across
    from memo._calls.secrets import redact

    masked: list[Any] = []
    count = 0
    for path in corpus.rglob("*.json"):
        tree = orjson.loads(path.read_bytes())
        body = tree.get("response", {}).get("body") if isinstance(tree.get("response"), dict) else None
        masked += [(path.name, steps) for steps in (mask_across(body) if isinstance(body, list) else [])]
        found, _ = redact([tree])
        masked += [(path.name, steps) for steps in found]
        count += 1
    assert masked == []
    assert count >= 1600


@pytest.mark.parametrize(
    "value",
    [
        {"credentials": [{"create_time": "2026-01-02T03:04:05.123456Z", "id": "c"}]},
        {"signing_secrets": [{"expire_time": "2026-01-02T03:04:05+01:00"}]},
        {"credentials": {"updated": ["2026-01-02T03:04Z", "2026-01-02T03:04:05"]}},
        {"cookies": {"until": "2026-01-02T03:04:05,5-0800"}},
    ],
)
def test_the_times_of_credentials_are_no_credentials(value):
    holder = [copy.deepcopy(value)]
    assert redact(holder) == ([], [])
    assert holder == [value]


@pytest.mark.parametrize("text", ["2026-01-02Tango!", "x2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z-hunter2"])
def test_what_only_begins_with_a_time_is_a_credential(text):
    holder = [{"credentials": [{"a": text}]}]
    assert redact(holder) == ([("credentials", 0, "a")], [])
