"""What may go wrong with a provider, by what it means for the caption."""

from common.errors import AfterimageError, InputFault, ModelUnavailable


class Unusable(AfterimageError):
    """An answer without a caption in it: no JSON, no choice, no text. Tried again."""

    default_code = "captioner_answer_unusable"


class Declined(InputFault):
    """The provider does not want to caption this very image: final for the image alone."""

    default_code = "caption_declined"


class NotServed(ModelUnavailable):
    """No caption can be had from the provider at present: final, and no call is made for it."""


class Refused(NotServed):
    """The provider refuses us whatever the image: the key, the quota or the model is at fault."""

    default_code = "captioner_refused"


class BudgetExceeded(NotServed):
    """What may be spent in a month has been spent."""

    default_code = "caption_budget_exceeded"
