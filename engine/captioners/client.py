"""One call of a provider, through the official client; what its errors mean.

This is all that leaves the house: the model's name, the fixed prompt, and the pixels as a new JPEG.
"""

import re
from base64 import b64encode

import httpx2  # what the client stands on
import openai

from common.errors import AfterimageError, TryLater
from engine.captioners.faults import Declined, Refused
from engine.captioners.replies import Reply, read_reply
from engine.captioners.wire import Bounded, retry_after

PROMPT = (
    "Describe this image in one plain English sentence of at most 30 words, for somebody who "
    "cannot see it. Say only what can be seen; do not guess names. Answer with the sentence alone."
)
MOST_TOKENS = 120  # of an answer: four times what was asked for
MOST_THOUGHT = 1_000  # of a model that thinks first, which is counted too
CONNECT = 5.0  # seconds


class Client:
    """Asks one model at one address; any thread may call it."""

    def __init__(self, base_url: str, model: str, api_key: str, seconds: float):
        self._model = model
        self._bound = {"max_tokens": MOST_TOKENS}
        self._openai = openai.OpenAI(
            base_url=base_url,
            api_key=api_key,
            max_retries=0,  # retries have one owner, and it is not the client
            timeout=httpx2.Timeout(seconds, connect=min(CONNECT, seconds)),
            # A redirect would send the image to somebody else; packed answers could be bombs.
            http_client=httpx2.Client(
                transport=Bounded(seconds), trust_env=False, follow_redirects=False
            ),
            default_headers={"Accept-Encoding": "identity"},
        )

    def describe(self, jpeg: bytes) -> Reply:
        """The caption of a JPEG.

        Raises Refused, Declined, Unusable, or TryLater when another time may go better.
        """
        bound = self._bound  # another thread may change it meanwhile
        image = f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"
        try:
            answer = self._openai.chat.completions.with_raw_response.create(
                model=self._model,
                extra_body=bound,
                messages=[
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": PROMPT},
                            {"type": "image_url", "image_url": {"url": image}},
                        ],
                    }
                ],
            )
        except openai.APIError as error:
            if "max_tokens" in bound and _wants_the_new_name(error):
                self._bound = {"max_completion_tokens": MOST_THOUGHT}
                return self.describe(jpeg)
            raise meaning(error) from error
        # Read from the bytes: the client's own parsing takes any JSON for a completion.
        return read_reply(answer.http_response.content)


def _wants_the_new_name(error: openai.APIError) -> bool:
    """OpenAI's newer models refuse `max_tokens`, which is all that many other servers know."""
    return error.code == "unsupported_parameter" and error.param == "max_tokens"


def meaning(error: openai.APIError) -> AfterimageError:
    """The client's error as one of ours. What the server said is not repeated: it may hold keys."""
    if not isinstance(error, openai.APIStatusError):
        is_late = isinstance(error, openai.APITimeoutError)
        return TryLater(
            "The captioning service did not answer in time."
            if is_late
            else "The captioning service cannot be reached, or broke off.",
            code="captioner_timeout" if is_late else "captioner_unreachable",
        )
    status = error.status_code
    if "insufficient_quota" in (error.code, error.type) or status == 402:
        return Refused(
            "The captioning service's quota is used up.", code="captioner_quota_exhausted"
        )
    if status in (401, 403):
        return Refused("The captioning service refused our key.", code="captioner_unauthorized")
    if status == 404:
        return Refused("The captioning service does not know the model, or its address is wrong.")
    if status in (400, 413, 415, 422):
        return Declined(f"The captioning service declined the image ({_kind(error)}).")
    return TryLater(
        "The captioning service asked for fewer requests."
        if status == 429
        else f"The captioning service failed (status {status}).",
        code="captioner_busy" if status == 429 else "captioner_failed",
        delay=retry_after(error.response.headers),
    )


def _kind(error: openai.APIStatusError) -> str:
    """The server's code for what is wrong, if it looks like one."""
    code = error.code or ""
    return code if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", code) else f"status {error.status_code}"
