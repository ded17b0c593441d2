"""The failures of a provider, by what each means for the caption."""

from dataclasses import dataclass

from common.errors import AfterimageError, InputFault, ModelUnavailable


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that a call used, as the provider counted them."""

    prompt: int
    completion: int

    def plus(self, other: "Tokens | None") -> "Tokens":
        """The sum; `other` is None when a provider did not count."""
        if other is None:
            return self
        return Tokens(self.prompt + other.prompt, self.completion + other.completion)


class Unusable(AfterimageError):
    """An answer without a caption in it: no JSON, no choice, no text. Tried again."""

    default_code = "captioner_answer_unusable"

    def __init__(self, detail: str, *, tokens: Tokens | None = None):
        super().__init__(detail)
        self.tokens = tokens


class CutOff(Unusable):
    """The answer reached the limit of tokens before it had a caption: a model that reasons first
    needs a higher one.
    """


class ProviderError(Exception):
    """An error in an answer whose status was 200; `status` is what the error itself names."""

    def __init__(self, status: int | None, code: str):
        super().__init__(code or status)
        self.status = status
        self.code = code


class Declined(InputFault):
    """The provider does not caption this image: final for the image alone."""

    default_code = "caption_declined"

    def __init__(self, detail: str, *, tokens: Tokens | None = None):
        super().__init__(detail)
        self.tokens = tokens


class NotServed(ModelUnavailable):
    """The provider cannot be asked for a caption at present: final, and no call is made for it."""

    default_code = "model_unavailable"
    is_final = True


class Refused(NotServed):
    """The provider refuses every image: the key, the quota, the model or a setting is wrong."""

    default_code = "captioner_refused"


class ReasonsTooLong(NotServed):
    """The model used up the highest limit of tokens without writing a caption: final."""

    default_code = "captioner_answer_cut_off"

    def __init__(self, detail: str, *, tokens: Tokens | None = None):
        super().__init__(detail)
        self.tokens = tokens


class BudgetExceeded(NotServed):
    """The month's budget is used up."""

    default_code = "caption_budget_exceeded"
