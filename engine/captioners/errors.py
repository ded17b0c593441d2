"""Failures of a captioning provider, by their consequence for the prediction."""

from dataclasses import dataclass

from common.errors import AfterimageError, InputFault, ModelUnavailable


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a call, as the provider counted them."""

    prompt: int
    completion: int

    def plus(self, other: "Tokens | None") -> "Tokens":
        """Return the sum; without `other`, these tokens alone."""
        if other is None:
            return self
        return Tokens(self.prompt + other.prompt, self.completion + other.completion)


class WithTokens(AfterimageError):
    """An error after a call that used tokens; None if the provider did not count them."""

    def __init__(self, detail: str, *, tokens: Tokens | None = None):
        super().__init__(detail)
        self.tokens = tokens


class Unusable(WithTokens):
    """An answer without a caption: not JSON, no choice, or no text. Retried."""

    default_code = "captioner_answer_unusable"


class CutOff(Unusable):
    """The answer reached the limit of tokens before the caption: a model that reasons first needs a
    higher limit.
    """


class ProviderError(Exception):
    """An error in an answer with status 200; `status` is the status that the error itself
    contains.
    """

    def __init__(self, status: int | None, code: str):
        super().__init__(code or status)
        self.status = status
        self.code = code


class Declined(WithTokens, InputFault):
    """The provider refuses to caption this image; final for this image only."""

    default_code = "caption_declined"


class NotServed(ModelUnavailable):
    """The provider cannot be called for a caption at present. Final, without a call."""

    default_code = "model_unavailable"
    is_final = True


class Refused(NotServed):
    """The provider refuses every image: the key, the quota, the model or a setting is wrong."""

    default_code = "captioner_refused"


class ReasonsTooLong(WithTokens, NotServed):
    """The model used up the highest limit of tokens without writing a caption. Final."""

    default_code = "captioner_answer_cut_off"


class BudgetExceeded(NotServed):
    """The month's budget is used up."""

    default_code = "caption_budget_exceeded"
