"""Compose a sentence from labels and their scores that does not claim more than they do."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from engine.models.labels import Label

# The words for a score, each from a minimum score on.
HEDGES = ((0.85, "Most likely"), (0.5, "Probably"), (0.25, "Perhaps"))
UNSURE = "Hard to say; the best guess is"
RUNNER_UP = 0.1  # score from which the second label is mentioned
BROADER = 0.5  # summed score from which a broader term is mentioned before the best label

# Names that take no "a".
PLURAL = frozenset({"binoculars", "parallel bars", "sunglasses", "swimming trunks", "glasses",
                    "tights", "trousers", "weights", "cosmetics", "baked goods", "toiletries",
                    "electronics", "cattle", "poultry", "great pyrenees"})  # fmt: skip
MASS = frozenset({
    "armor", "body armor", "bedding", "bread", "broccoli", "carbonara", "cauliflower",
    "chain mail", "chocolate sauce", "clothing", "coffee", "consomme", "cookware", "corn",
    "crockery", "cutlery", "dough", "eggnog", "equipment", "espresso", "face powder", "food",
    "footwear", "fodder", "furniture", "glass", "grain", "guacamole", "hair spray", "hay",
    "headgear", "hosiery", "ice cream", "jewelry", "linen", "lotion", "makeup", "mashed potato",
    "neckwear", "nightwear", "outerwear", "paper", "perfume", "protective clothing",
    "public transport", "rapeseed", "red wine", "snack food", "soup", "sunscreen", "tableware",
    "thatch", "toilet tissue", "underwear", "velvet", "wine", "wool", "woman's clothing",
    "alcohol", "waterfowl", "brass",
})  # fmt: skip
DEFINITE = frozenset({"seashore", "lakeside"})
# Names whose first sound differs from their first letter.
VOWEL_SOUND = ("hour", "heir", "honest")
CONSONANT_SOUND = ("uni", "use", "eu", "ewe", "one", "ouija")


@dataclass(frozen=True, slots=True)
class Guess:
    """A label and its score, 0 to 1."""

    label: Label
    score: float


def sentence(guesses: Sequence[Guess]) -> str:
    """Return one sentence about the guesses, best first; at least one is required.

    "Probably an Egyptian cat; possibly a tabby." If the labels differ but belong to the same
    broader term, that comes first: "Probably a dog, perhaps a Samoyed."
    """
    best = guesses[0]
    kind = _common_kind(guesses) if best.score < BROADER else None
    if kind is not None:
        name, score = kind
        text = f"{_hedge(score)} {with_article(name)}, perhaps {with_article(best.label.name)}"
    else:
        text = f"{_hedge(best.score)} {with_article(best.label.name)}"
    others = [
        with_article(guess.label.name)
        for guess in guesses[1:2]
        if guess.score >= RUNNER_UP and guess.label.name != best.label.name
    ]
    return text + "".join(f"; possibly {other}" for other in others) + "."


def _hedge(score: float) -> str:
    return next((words for minimum, words in HEDGES if score >= minimum), UNSURE)


def _common_kind(guesses: Sequence[Guess]) -> tuple[str, float] | None:
    """Return the nearest broader term of the best label with a sufficient summed score, and that
    score.
    """
    sums: defaultdict[str, float] = defaultdict(float)
    for guess in guesses:
        for term in guess.label.broader:
            sums[term.name] += guess.score
    for term in guesses[0].label.broader:
        if sums[term.name] >= BROADER:
            return term.name, sums[term.name]
    return None


def with_article(name: str) -> str:
    """Return the name with its article: "an Egyptian cat", "a unicycle", "the seashore",
    "sunglasses".
    """
    plain = name.lower()
    if plain in PLURAL or plain in MASS or plain.endswith(" equipment"):
        return name
    if plain in DEFINITE:
        return f"the {name}"
    is_vowel = plain.startswith(VOWEL_SOUND) or (
        plain[0] in "aeiou" and not plain.startswith(CONSONANT_SOUND)
    )
    return f"{'an' if is_vowel else 'a'} {name}"
