"""From labels and their scores to a sentence that claims no more than they do."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from engine.models.labels import Label

# What a score is worth in words, and from which score on.
HEDGES = ((0.85, "Most likely"), (0.5, "Probably"), (0.25, "Perhaps"))
UNSURE = "Hard to say; the best guess is"
RUNNER_UP = 0.1  # score from which the second label is told too
BROADER = 0.5  # summed score from which a broader term is surer than the best label

# English as it is spoken: what has no "a" in front of it.
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
# Sounds and letters do not always agree.
VOWEL_SOUND = ("hour", "heir", "honest")
CONSONANT_SOUND = ("uni", "use", "eu", "ewe", "one", "ouija")


@dataclass(frozen=True, slots=True)
class Guess:
    """A label and its score, 0 to 1."""

    label: Label
    score: float


def sentence(guesses: Sequence[Guess]) -> str:
    """One sentence about the guesses, best first; at least one is needed.

    "Probably an Egyptian cat; possibly a tabby." Where the labels differ but mean the same kind of
    thing, that comes first: "Probably a dog, perhaps a Samoyed." What else sees objects in an
    image would be told of here.
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
    return next((words for least, words in HEDGES if score >= least), UNSURE)


def _common_kind(guesses: Sequence[Guess]) -> tuple[str, float] | None:
    """The nearest broader term of the best label that is sure enough, and its summed score."""
    sums: defaultdict[str, float] = defaultdict(float)
    for guess in guesses:
        for term in guess.label.broader:
            sums[term.name] += guess.score
    for term in guesses[0].label.broader:
        if sums[term.name] >= BROADER:
            return term.name, sums[term.name]
    return None


def with_article(name: str) -> str:
    """As a person says it: "an Egyptian cat", "a unicycle", "the seashore", "sunglasses"."""
    plain = name.lower()
    if plain in PLURAL or plain in MASS or plain.endswith(" equipment"):
        return name
    if plain in DEFINITE:
        return f"the {name}"
    is_vowel = plain.startswith(VOWEL_SOUND) or (
        plain[0] in "aeiou" and not plain.startswith(CONSONANT_SOUND)
    )
    return f"{'an' if is_vowel else 'a'} {name}"
