"""One call of a provider, through the official client; what its errors mean.

All that is sent is the model's name, the fixed prompt, and the pixels as a new JPEG.
"""

import re
from base64 import b64encode
from dataclasses import replace

import httpx2  # what the client stands on
import openai

from common.errors import AfterimageError, TryLater
from engine.captioners.errors import (
    CutOff,
    Declined,
    ProviderError,
    ReasonsTooLong,
    Refused,
    Tokens,
    Unusable,
)
from engine.captioners.http_limits import Bounded, retry_after
from engine.captioners.replies import Reply, read_reply

PROMPT = (
    "Describe this image in one plain English sentence of at most 30 words, for somebody who "
    "cannot see it. Say only what can be seen; do not guess names. Answer with the sentence alone."
)
# Limits of an answer's tokens: four times what the prompt asks for; then, where a model was cut off
# while it reasoned, for reasoning is counted too, higher ones.
LIMITS = (120, 1_000, 4_000)
# The parameter that carries the limit. Newer models of OpenAI refuse the first, which is all that
# many other servers know.
LIMIT_NAMES = ("max_tokens", "max_completion_tokens")
LONGEST_ERROR = 4_000  # characters of a server's error in which a parameter's name is looked for
CONNECT = 5.0  # seconds


class Client:
    """Asks one model at one address; any thread may call it."""

    def __init__(self, base_url: str, model: str, api_key: str, seconds: float):
        self._model = model
        # What the server took last; threads may change both, and each value is right by itself.
        self._limit_name = LIMIT_NAMES[0]
        self._limit = LIMITS[0]
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
        """The caption of a JPEG, and the tokens of all calls that it took.

        A model that is cut off while it reasons is asked again with the next higher limit, which
        later calls then start with. Raises Refused, ReasonsTooLong, Declined, Unusable, or TryLater
        when another time may go better.
        """
        image = f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"
        spent: Tokens | None = None
        for limit in LIMITS[LIMITS.index(self._limit) :]:
            try:
                reply = self._ask_by_either_name(image, limit)
            except CutOff as error:
                spent = error.tokens.plus(spent) if error.tokens else spent
                # Kept at once: should this call run out of time, the next one starts higher.
                self._limit = next((each for each in LIMITS if each > limit), limit)
                continue
            except (Unusable, Declined) as error:
                error.tokens = error.tokens.plus(spent) if error.tokens else spent
                raise
            return replace(reply, tokens=reply.tokens.plus(spent)) if reply.tokens else reply
        raise ReasonsTooLong(
            f"The captioning model used {LIMITS[-1]:,} tokens without writing a caption. "
            "Choose a model that reasons less, or turn its reasoning off.",
            tokens=spent,
        )

    def _ask_by_either_name(self, image: str, limit: int) -> Reply:
        """The reply to one call, which is made once more when the server does not know the name of
        the limit.
        """
        name = self._limit_name
        try:
            return self._ask(image, name, limit)
        except openai.APIError as error:
            if not _refuses(error, name):
                raise meaning(error) from error
        [other] = (each for each in LIMIT_NAMES if each != name)
        try:
            reply = self._ask(image, other, limit)
        except openai.APIError as error:
            raise meaning(error) from error
        self._limit_name = other
        return reply

    def _ask(self, image: str, limit_name: str, limit: int) -> Reply:
        answer = self._openai.chat.completions.with_raw_response.create(
            model=self._model,
            extra_body={limit_name: limit},
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
        try:
            # Read from the bytes: the client's own parsing takes any JSON for a completion.
            return read_reply(answer.http_response.content)
        except ProviderError as error:
            raise _meaning_in_answer(error, answer.http_response.headers) from error


def _refuses(error: openai.APIError, name: str) -> bool:
    """Whether a server refuses the request because of the parameter `name`. Servers agree neither
    on a code nor on a wording for it, but all of them name the parameter.
    """
    if not isinstance(error, openai.APIStatusError) or error.status_code not in (400, 422):
        return False
    text = error.response.text[:LONGEST_ERROR]
    return error.param == name or re.search(rf"\b{name}\b", text) is not None


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
    quota = "insufficient_quota" in (error.code, error.type)
    code = "insufficient_quota" if quota else error.code or ""
    return _meaning_of_status(error.status_code, code, error.response.headers)


def _meaning_in_answer(error: ProviderError, headers: httpx2.Headers) -> AfterimageError:
    """An error sent with status 200. Without a status of its own it is about the request as such
    (the model has no eyes, the path is wrong), which no later try mends.
    """
    if error.status is None:
        return Refused("The captioning service answered with an error instead of a caption.")
    return _meaning_of_status(error.status, error.code, headers)


def _meaning_of_status(status: int, code: str, headers: httpx2.Headers) -> AfterimageError:
    if code == "insufficient_quota" or status == 402:
        return Refused(
            "The captioning service's quota is used up.", code="captioner_quota_exhausted"
        )
    if status in (401, 403):
        return Refused("The captioning service refused our key.", code="captioner_unauthorized")
    if status == 404:
        return Refused("The captioning service does not know the model, or its address is wrong.")
    if status in (400, 413, 415, 422):
        return Declined(f"The captioning service declined the image ({_kind(status, code)}).")
    return TryLater(
        "The captioning service asked for fewer requests."
        if status == 429
        else f"The captioning service failed (status {status}).",
        code="captioner_busy" if status == 429 else "captioner_failed",
        delay=retry_after(headers),
    )


def _kind(status: int, code: str) -> str:
    """The server's code for what is wrong, if it looks like one."""
    return code if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", code) else f"status {status}"
