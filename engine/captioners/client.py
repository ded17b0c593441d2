"""One call to a provider through the official client, and the meaning of its errors.

The request contains only the model's name, the fixed prompt, and the pixels as a new JPEG.
"""

import re
from base64 import b64encode
from dataclasses import replace

import httpx2  # the HTTP library of the openai client
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
# Limits on the tokens of an answer: four times what the prompt asks for; then higher ones for
# models that were cut off while they reasoned, because the tokens of the reasoning count too.
LIMITS = (120, 1_000, 4_000)
# The parameter with the limit. Newer models of OpenAI refuse the first name, and many other servers
# only know that one.
LIMIT_NAMES = ("max_tokens", "max_completion_tokens")
LONGEST_ERROR = 4_000  # characters of a server's error that are searched for a parameter's name
CONNECT = 5.0  # seconds


class Client:
    """Calls one model at one address; thread-safe."""

    def __init__(self, base_url: str, model: str, api_key: str, seconds: float):
        self._model = model
        # The values that the server accepted last. Threads may change both; each is valid by
        # itself.
        self._limit_name = LIMIT_NAMES[0]
        self._limit = LIMITS[0]
        self._openai = openai.OpenAI(
            base_url=base_url,
            api_key=api_key,
            max_retries=0,  # the prediction is retried, not the call
            timeout=httpx2.Timeout(seconds, connect=min(CONNECT, seconds)),
            # A redirect would send the image to another host; a compressed answer could be a bomb.
            http_client=httpx2.Client(
                transport=Bounded(seconds), trust_env=False, follow_redirects=False
            ),
            default_headers={"Accept-Encoding": "identity"},
        )

    def describe(self, jpeg: bytes) -> Reply:
        """Return the caption of a JPEG, and the tokens of all calls that it took.

        A model that is cut off while it reasons is called again with the next higher limit, with
        which later calls then start. Raises Refused, ReasonsTooLong, Declined, Unusable, or
        TryLater if a later call may succeed.
        """
        image = f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"
        spent: Tokens | None = None
        for limit in LIMITS[LIMITS.index(self._limit) :]:
            try:
                reply = self._ask_by_either_name(image, limit)
            except CutOff as error:
                spent = error.tokens.plus(spent) if error.tokens else spent
                # Stored at once: if this call runs out of time, the next one starts with this
                # limit.
                self._limit = next((each for each in LIMITS if each > limit), limit)
                continue
            except (Unusable, Declined) as error:
                error.tokens = error.tokens.plus(spent) if error.tokens else spent
                raise
            return replace(reply, tokens=reply.tokens.plus(spent)) if reply.tokens else reply
        raise ReasonsTooLong(
            f"The captioning model used {LIMITS[-1]:,} tokens without writing a caption. "
            "Choose a model that reasons less, or disable its reasoning.",
            tokens=spent,
        )

    def _ask_by_either_name(self, image: str, limit: int) -> Reply:
        """Return the reply to a call, which is repeated once if the server does not know the
        limit's name.
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
            # Read from the bytes: the client's own parsing accepts any JSON as a completion.
            return read_reply(answer.http_response.content)
        except ProviderError as error:
            raise _meaning_in_answer(error, answer.http_response.headers) from error


def _refuses(error: openai.APIError, name: str) -> bool:
    """Return whether a server refuses the request because of the parameter `name`. Servers differ
    in codes and wording, but all of them name the parameter.
    """
    if not isinstance(error, openai.APIStatusError) or error.status_code not in (400, 422):
        return False
    text = error.response.text[:LONGEST_ERROR]
    return error.param == name or re.search(rf"\b{name}\b", text) is not None


def meaning(error: openai.APIError) -> AfterimageError:
    """Convert the client's error to one of ours. The server's message is left out because it may
    contain keys.
    """
    if not isinstance(error, openai.APIStatusError):
        is_late = isinstance(error, openai.APITimeoutError)
        return TryLater(
            "The captioning service did not answer in time."
            if is_late
            else "The captioning service cannot be reached, or closed the connection.",
            code="captioner_timeout" if is_late else "captioner_unreachable",
        )
    quota = "insufficient_quota" in (error.code, error.type)
    code = "insufficient_quota" if quota else error.code or ""
    return _meaning_of_status(error.status_code, code, error.response.headers)


def _meaning_in_answer(error: ProviderError, headers: httpx2.Headers) -> AfterimageError:
    """Convert an error sent with status 200. If it has no status of its own, it concerns every
    request (the model does not take images, or the path is wrong), and a retry cannot help.
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
        return Refused(
            "The captioning service rejected OPENAI_API_KEY.", code="captioner_unauthorized"
        )
    if status == 404:
        return Refused("The captioning service does not know the model, or CAPTIONER_URL is wrong.")
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
    """Return the server's error code if it looks like one, else the status."""
    return code if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", code) else f"status {status}"
