"""Faults under the presets `botocore` and `aiobotocore`: the client meets what a service that does the same makes it meet."""

import botocore.config
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError
from fault_table import WAIT, faults, injected_as_live
from faulty_server import FaultyServer

import memo
from memo import fault, recording

try:
    import aiobotocore.config
    import aiobotocore.session
except ImportError:
    aiobotocore = None

pytestmark = [
    pytest.mark.anyio,
    # aiobotocore leaves its connection open where a stream of events breaks.
    pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
FAULTS = faults({"__type": "ThrottlingException", "message": "no luck"})
ASKED = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "Which planet has rings?"}]}]}

LOADER = botocore.session.Session().get_component("data_loader")
"""Keeps the descriptions of the services: reading them takes most of the time that a client takes, for each session."""


def configured(kind, attempts=1):
    return kind(signature_version=UNSIGNED, read_timeout=WAIT, retries={"total_max_attempts": attempts})


def client_of(service, url, attempts=1):
    config = configured(botocore.config.Config, attempts)
    session = botocore.session.Session()
    session.register_component("data_loader", LOADER)
    return session.create_client(service, "eu-west-1", endpoint_url=url, config=config)


async def by_botocore(url, stream, got):
    client = client_of("bedrock-runtime", url)
    if not stream:
        got.append(client.converse(**ASKED)["output"])
        return
    for event in client.converse_stream(**ASKED)["stream"]:
        got.append(event)


async def by_aiobotocore(url, stream, got):
    config = configured(aiobotocore.config.AioConfig)
    session = aiobotocore.session.get_session()
    async with session.create_client("bedrock-runtime", "eu-west-1", endpoint_url=url, config=config) as client:
        if not stream:
            got.append((await client.converse(**ASKED))["output"])
            return
        async for event in (await client.converse_stream(**ASKED))["stream"]:
            got.append(event)


CLIENTS = {"botocore": by_botocore, "aiobotocore": by_aiobotocore}


@pytest.fixture
def server():
    made = FaultyServer()
    yield made
    made.stop()


def seen(error):
    """What a program can tell of an error."""
    response = getattr(error, "response", None) or {}
    about = response.get("ResponseMetadata", {})
    headers = about.get("HTTPHeaders", {})
    return (
        f"{type(error).__module__}.{type(error).__name__}",  # a session makes classes of its own
        str(error).partition(" object at 0x")[0],
        response.get("Error"),
        about.get("HTTPStatusCode"),
        headers.get("retry-after"),
    )


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_a_fault_is_what_a_service_that_does_the_same_makes_of_a_call(
    client, name, server, tmp_path, anyio_backend
):
    if client == "aiobotocore" and aiobotocore is None:
        pytest.skip("aiobotocore is not installed")
    if client == "aiobotocore" and anyio_backend == "trio":
        pytest.skip("aiobotocore needs asyncio")
    wanted, stream = FAULTS[name]
    injected = await injected_as_live(CLIENTS[client], client, wanted, stream, seen, server, tmp_path)
    assert injected == {str(wanted): 1}


async def test_the_retries_of_botocore_see_the_fault(server, tmp_path):
    client = client_of("bedrock-runtime", server.url, attempts=2)

    def ask():
        return client.converse(**ASKED)["output"]

    with memo.install("botocore"):
        with recording(tmp_path, mode="record"):
            live = ask()
        with recording(tmp_path, faults=[fault.timeout(call=1)]) as recorder:
            assert ask() == live
        assert recorder.stats.injected == {"timeout(call=1)": 1}
        with recording(tmp_path, faults=[fault.rate_limit()]) as recorder:
            with pytest.raises(client.exceptions.ThrottlingException) as caught:
                ask()
        assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 1
        assert recorder.stats.injected == {"rate_limit()": 2}
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("service", "call", "given"),
    [
        ("dynamodb", "list_tables", {}),
        ("sqs", "list_queues", {}),
        ("s3", "get_object", {"Bucket": "b", "Key": "k"}),
        ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"rings"}),
        ("sts", "get_caller_identity", {}),
        ("ec2", "describe_regions", {}),
        ("bedrock-runtime", "invoke_model", {"modelId": "m", "body": "{}"}),
    ],
)
async def test_each_protocol_has_its_own_form_of_an_error(service, call, given, tmp_path):
    with memo.install("botocore"), recording(tmp_path, faults=[fault.rate_limit(retry_after=2)]):
        with pytest.raises(ClientError) as caught:
            getattr(client_of(service, "http://127.0.0.1:9"), call)(**given)
    about = caught.value.response
    assert about["Error"]["Code"] == "ThrottlingException"
    assert about["Error"]["Message"] == "memo: status 429, as asked for"
    assert about["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert about["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "2"
